namespace Kvasir.Documents.Ingesting;

/// <summary>
/// Works on items ahead of their consumer, several at a time on the thread pool, and hands the results over in the order of the items. How
/// far ahead is bounded by the items' weight and number, so that memory is.
/// </summary>
/// <param name="work">Called on any thread; what it throws comes out where its result would.</param>
/// <param name="weight">What an item costs while its result is waiting or in the consumer's hands.</param>
/// <param name="capacity">The most weight at a time; a heavier item is worked on by itself.</param>
/// <param name="most">The most items at a time.</param>
internal sealed class LookAhead<TItem, TResult>(
    Func<TItem, CancellationToken, TResult> work, Func<TItem, long> weight, long capacity, int most)
{
    /// <summary>
    /// The results. Enumerated by one thread, which also enumerates <paramref name="items"/>; when it stops, at the end or before, no work
    /// is left running.
    /// </summary>
    public IEnumerable<TResult> Run(IEnumerable<TItem> items, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pending = new Queue<(Task<TResult> Task, long Weight)>();
        long held = 0;
        using IEnumerator<TItem> next = items.GetEnumerator();
        bool more = next.MoveNext();
        try
        {
            while (true)
            {
                while (more && pending.Count < most && (held == 0 || held + weight(next.Current) <= capacity))
                {
                    TItem item = next.Current;
                    pending.Enqueue((Task.Run(() => work(item, stop.Token), stop.Token), weight(item)));
                    held += weight(item);
                    more = next.MoveNext();
                }

                if (pending.Count == 0) yield break;
                TResult result = pending.Peek().Task.GetAwaiter().GetResult();
                yield return result;
                held -= pending.Dequeue().Weight;
            }
        }
        finally
        {
            stop.Cancel();
            Finish(pending.Select(entry => entry.Task));
        }
    }

    private static void Finish(IEnumerable<Task> tasks)
    {
        try
        {
            Task.WaitAll([.. tasks]);
        }
        catch (AggregateException)
        {
            // Their results were given up, or the first of these is on its way to the consumer already.
        }
    }
}
