using System.Diagnostics;
using System.Globalization;
using System.Runtime;

namespace Kvasir.Documents.Reading;

/// <summary>
/// Reads one document under limits of time, memory and stack. Parsers are other people's code and their input anybody's, so a parser runs on a thread of
/// its own that is stopped from outside when it takes too much. What it leaves half done is garbage with the thread: parsers are managed code and share nothing.
/// </summary>
internal static class ReadingGuard
{
    /// <summary>Ample for the depth that the parsers are held to; only what is used of it takes memory.</summary>
    private const int StackBytes = 64 << 20;

    /// <summary>How often limits and cancellation are looked at.</summary>
    private const int WatchMilliseconds = 20;

    /// <summary>A thread that does not stop is in a call that ends by itself; it is given this long and then left to end alone.</summary>
    private const int StopMilliseconds = 5000;

    private const int LongestReason = 300;

    /// <summary>Documents are read one at a time, so that what memory grows by is the one's that is being read.</summary>
    private static readonly SemaphoreSlim s_turn = new(1);

    /// <summary>Reads a document.</summary>
    /// <param name="length">Bytes of the file; the limits grow with it.</param>
    /// <param name="read">The parser.</param>
    /// <param name="cancellation">Stops it within a moment.</param>
    /// <exception cref="UnreadableDocumentException">The parser failed, whatever it threw, or exceeded a limit.</exception>
    public static T Read<T>(long length, Func<T> read, CancellationToken cancellation) =>
        Read(read, TimeLimit(length), MemoryLimit(length), cancellation);

    /// <summary>Reads within a time, and within bytes that managed memory may grow by.</summary>
    public static T Read<T>(Func<T> read, TimeSpan time, long memory, CancellationToken cancellation)
    {
        s_turn.Wait(cancellation);
        try
        {
            return ReadAlone(read, new Watch(time, memory), cancellation);
        }
        finally
        {
            s_turn.Release();
        }
    }

    private static T ReadAlone<T>(Func<T> read, Watch watch, CancellationToken cancellation)
    {
        using var stop = new CancellationTokenSource();
        T? result = default;
        Exception? error = null;
        var thread = new Thread(() => error = Record(() => result = read(), stop.Token), StackBytes) { IsBackground = true, Name = "reading" };
        thread.Start();
        string? exceeded = null;
        while (!thread.Join(WatchMilliseconds))
        {
            exceeded = watch.Exceeded();
            if (exceeded is not null || cancellation.IsCancellationRequested)
            {
                _ = stop.CancelAsync();
                thread.Join(StopMilliseconds);
                break;
            }
        }

        cancellation.ThrowIfCancellationRequested();
        return (exceeded, error) switch
        {
            (not null, _) => throw new UnreadableDocumentException(exceeded),
            (_, null) => result!,
            (_, UnreadableDocumentException) => throw new UnreadableDocumentException(Reason(error)),
            _ => throw new UnreadableDocumentException($"it is damaged ({Reason(error)})"),
        };
    }

    /// <summary>
    /// Runs a parser that can be aborted. That is obsolete because an abort may leave half changed what threads share; here it follows on exceeded limits
    /// and cancellation alone, and nothing is shared.
    /// </summary>
    private static Exception? Record(Action parse, CancellationToken stop)
    {
        try
        {
#pragma warning disable SYSLIB0046
            ControlledExecution.Run(parse, stop);
#pragma warning restore SYSLIB0046
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }

    /// <summary>10 s a megabyte, at least 10 s.</summary>
    private static TimeSpan TimeLimit(long length) => TimeSpan.FromSeconds(10 * Math.Max(1, length / 1e6));

    /// <summary>Forty times the file and what a small one needs at most, up to one size for all.</summary>
    private static long MemoryLimit(long length) => Math.Min(768L << 20, (192L << 20) + 40 * length);

    /// <summary>An error's words on one line of bounded length: they may quote the file.</summary>
    private static string Reason(Exception error)
    {
        string line = string.Concat(error.Message.Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format ? ' ' : c)).Trim();
        return line.Length > LongestReason ? line[..LongestReason] + "…" : line;
    }

    /// <summary>The time and memory taken since it was made.</summary>
    private sealed class Watch(TimeSpan time, long memory)
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private readonly long _held = GC.GetTotalMemory(false);

        /// <summary>Which limit is exceeded; null while none is.</summary>
        public string? Exceeded() =>
            Stopwatch.GetElapsedTime(_start) > time ? string.Create(CultureInfo.InvariantCulture, $"it takes longer than {time.TotalSeconds:0} s to read")
            : Growth() > memory && GrowthWithoutGarbage() > memory ? $"it takes more than {memory >> 20} MiB of memory to read"
            : null;

        private long Growth() => GC.GetTotalMemory(false) - _held;

        private long GrowthWithoutGarbage()
        {
            GC.Collect();
            return Growth();
        }
    }
}
