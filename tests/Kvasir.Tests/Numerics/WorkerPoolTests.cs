using Kvasir.Numerics;
using Xunit;

namespace Kvasir.Tests.Numerics;

public class WorkerPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_worker_runs_once_and_barriers_order_the_phases(int workers)
    {
        using var pool = new WorkerPool(workers);
        int[] counts = new int[workers];
        int wrong = 0;
        for (int run = 0; run < 100; run++)
        {
            Array.Clear(counts);
            pool.Run(worker =>
            {
                for (int phase = 1; phase <= 10; phase++)
                {
                    counts[worker]++;
                    pool.Barrier();
                    foreach (int count in counts) if (count != phase) Interlocked.Increment(ref wrong);
                    pool.Barrier();
                }
            });
        }
        Assert.Equal(0, wrong);
        Assert.All(counts, count => Assert.Equal(10, count));
    }

    [Fact]
    public void Failure_releases_waiting_workers_and_is_rethrown_and_the_pool_goes_on()
    {
        using var pool = new WorkerPool(4);
        for (int round = 0; round < 200; round++)
        {
            int failing = round % 4;
            var error = Assert.Throws<InvalidDataException>(() => pool.Run(worker =>
            {
                pool.Barrier();
                if (worker == failing) throw new InvalidDataException("broken");
                pool.Barrier();
                pool.Barrier();
            }));
            Assert.Equal("broken", error.Message);
            int done = 0;
            pool.Run(_ => { pool.Barrier(); Interlocked.Increment(ref done); });
            Assert.Equal(4, done);
        }
    }

    [Fact]
    public void Parked_workers_wake_up()
    {
        using var pool = new WorkerPool(3);
        int done = 0;
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(3);
            pool.Run(worker =>
            {
                if (worker == round % 3) Thread.Sleep(3);
                pool.Barrier();
                Interlocked.Increment(ref done);
            });
        }
        Assert.Equal(15, done);
    }

    [Fact]
    public void Callers_on_several_threads_take_turns()
    {
        using var pool = new WorkerPool(2);
        int inside = 0, wrong = 0, done = 0;
        var callers = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                pool.Run(worker =>
                {
                    if (worker == 0 && Interlocked.Increment(ref inside) != 1) Interlocked.Increment(ref wrong);
                    pool.Barrier();
                    if (worker == 0) Interlocked.Decrement(ref inside);
                    Interlocked.Increment(ref done);
                });
            }
        })).ToList();
        callers.ForEach(caller => caller.Start());
        callers.ForEach(caller => caller.Join());
        Assert.Equal(0, wrong);
        Assert.Equal(800, done);
    }

    [Fact]
    public void Run_allocates_nothing()
    {
        using var pool = new WorkerPool(2);
        Action<int> body = _ => pool.Barrier();
        for (int i = 0; i < 100; i++) pool.Run(body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) pool.Run(body);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Nested_runs_and_use_after_dispose_are_refused()
    {
        var pool = new WorkerPool(1);
        Assert.Throws<InvalidOperationException>(() => pool.Run(_ => pool.Run(_ => { })));
        pool.Run(_ => { });
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(_ => { }));
    }
}
