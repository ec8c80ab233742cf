namespace Kvasir.Documents.Tests;

public class LookAheadTests
{
    [Fact]
    public void Results_come_in_the_order_of_the_items()
    {
        var ahead = new LookAhead<int, int>((item, _) => { Thread.Sleep(item % 3); return item * item; }, _ => 1, capacity: 100, most: 8);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i * i), ahead.Run(Enumerable.Range(0, 200), CancellationToken.None));
    }

    [Fact]
    public void Weight_and_number_ahead_stay_within_bounds()
    {
        int[] weights = [.. Enumerable.Range(0, 300).Select(i => i * 7 % 40)];
        long held = 0;
        int count = 0;
        IEnumerable<int> Items()
        {
            foreach (int weight in weights)
            {
                yield return weight;
                Assert.InRange(Interlocked.Add(ref held, weight), 0, 60);
                Assert.InRange(Interlocked.Increment(ref count), 1, 5);
            }
        }

        // An item counts from when it is taken until the consumer asks for the one after it.
        foreach (int weight in new LookAhead<int, int>((item, _) => item, item => item, capacity: 60, most: 5)
            .Run(Items(), CancellationToken.None))
        {
            Interlocked.Add(ref held, -weight);
            Interlocked.Decrement(ref count);
        }

        Assert.Equal((0L, 0), (held, count));
    }

    [Fact]
    public void Item_beyond_the_capacity_is_worked_on_by_itself()
    {
        int running = 0, most = 0;
        var ahead = new LookAhead<int, int>(
            (item, _) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                Thread.Sleep(1);
                Interlocked.Decrement(ref running);
                return item;
            },
            _ => 1000,
            capacity: 10,
            most: 8);
        Assert.Equal(20, ahead.Run(Enumerable.Range(0, 20), CancellationToken.None).Count());
        Assert.Equal(1, most);
    }

    [Fact]
    public void Failure_comes_out_in_its_place_and_leaves_nothing_running()
    {
        int running = 0;
        var ahead = new LookAhead<int, int>(
            (item, stop) =>
            {
                Interlocked.Increment(ref running);
                try
                {
                    stop.WaitHandle.WaitOne(item > 5 ? 2000 : 1);
                    return item == 5 ? throw new InvalidDataException("five") : item;
                }
                finally
                {
                    Interlocked.Decrement(ref running);
                }
            },
            _ => 1,
            capacity: 100,
            most: 4);
        var results = new List<int>();
        var error = Assert.Throws<InvalidDataException>(
            () => { foreach (int item in ahead.Run(Enumerable.Range(0, 100), CancellationToken.None)) { results.Add(item); } });
        Assert.Equal("five", error.Message);
        Assert.Equal([0, 1, 2, 3, 4], results);
        Assert.Equal(0, running);
    }

    [Fact]
    public void Cancelling_stops_the_work_ahead()
    {
        using var cancellation = new CancellationTokenSource();
        int begun = 0;
        var ahead = new LookAhead<int, int>(
            (item, stop) =>
            {
                Interlocked.Increment(ref begun); stop.WaitHandle.WaitOne(
            item == 0 ? 0 : 5000); stop.ThrowIfCancellationRequested(); return item;
            }, _ => 1, capacity: 100, most: 4);
        Assert.ThrowsAny<OperationCanceledException>(
            () => { foreach (int _ in ahead.Run(Enumerable.Range(0, 100), cancellation.Token)) { cancellation.Cancel(); } });
        Assert.InRange(begun, 1, 5);
    }
}
