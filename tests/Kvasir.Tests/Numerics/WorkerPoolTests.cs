using Kvasir.Numerics;

namespace Kvasir.Tests.Numerics;

public class WorkerPoolTests
{
    /// <summary>However busy the machine is, no run is left to its caller.</summary>
    private static readonly TimeSpan Endless = TimeSpan.MaxValue;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_worker_runs_once_and_barriers_order_the_phases(int workers)
    {
        using var pool = new WorkerPool(workers, Endless);
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
                    pool.Barrier(worker);
                    foreach (int count in counts) if (count != phase) Interlocked.Increment(ref wrong);
                    pool.Barrier(worker);
                }
            });
        }
        Assert.Equal(0, wrong);
        Assert.All(counts, count => Assert.Equal(10, count));
    }

    [Fact]
    public void Failure_releases_waiting_workers_and_is_rethrown_and_the_pool_goes_on()
    {
        using var pool = new WorkerPool(4, Endless);
        for (int round = 0; round < 200; round++)
        {
            int failing = round % 4;
            var error = Assert.Throws<InvalidDataException>(() => pool.Run(worker =>
            {
                pool.Barrier(worker);
                if (worker == failing) throw new InvalidDataException("broken");
                pool.Barrier(worker);
                pool.Barrier(worker);
            }));
            Assert.Equal("broken", error.Message);
            int done = 0;
            pool.Run(worker => { pool.Barrier(worker); Interlocked.Increment(ref done); });
            Assert.Equal(4, done);
        }
    }

    [Fact]
    public void Parked_workers_wake_up()
    {
        using var pool = new WorkerPool(3, Endless);
        int done = 0;
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(3);
            pool.Run(worker =>
            {
                if (worker == round % 3) Thread.Sleep(3);
                pool.Barrier(worker);
                Interlocked.Increment(ref done);
            });
        }
        Assert.Equal(15, done);
    }

    [Fact]
    public void Callers_on_several_threads_take_turns()
    {
        using var pool = new WorkerPool(2, Endless);
        int inside = 0, wrong = 0, done = 0;
        var callers = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                pool.Run(worker =>
                {
                    if (worker == 0 && Interlocked.Increment(ref inside) != 1) Interlocked.Increment(ref wrong);
                    pool.Barrier(worker);
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
        using var pool = new WorkerPool(2, Endless);
        Action<int> body = worker => pool.Barrier(worker);
        Assert.Equal(0, Allocated.Least(() => { for (int i = 0; i < 1000; i++) pool.Run(body); }));
    }

    /// <summary>
    /// Each barrier waits for one worker that sleeps, as on a busy machine for one that is not running: three together do no more than one
    /// would.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_workers_mostly_wait_for_each_other_the_caller_does_the_rest_of_the_work_alone(bool endless)
    {
        using var pool = new WorkerPool(3, endless ? Endless : TimeSpan.Zero);
        int[] done = new int[300];
        int together = 0;
        pool.Run(worker =>
        {
            for (int phase = 0; phase < 300; phase += 3)
            {
                if (phase / 3 % 3 == worker && pool.Running > 1) Thread.Sleep(1);
                for (int item = worker; item < 3; item += pool.Running) Interlocked.Increment(ref done[phase + item]);
                if (worker == 2) together++;
                pool.Barrier(worker);
            }
        });
        Assert.All(done, count => Assert.Equal(1, count));
        if (endless) Assert.Equal(100, together);
        else Assert.InRange(together, 1, 99);
        Assert.Equal(endless ? 3 : 1, pool.Running);
        // The pause is over some time: then all run again.
        for (int round = 0; round < 1000 && pool.Running == 1; round++)
        {
            Thread.Sleep(1);
            pool.Run(_ => { });
        }
        Assert.Equal(3, pool.Running);
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
