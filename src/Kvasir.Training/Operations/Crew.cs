using Kvasir.Numerics;

namespace Kvasir.Training.Operations;

/// <summary>
/// Threads that run one program together. Work is dealt out in numbered tasks whose borders do not depend on the number of threads, and no
/// task adds to what another one writes, so that who does which changes nothing: the same bits for any number of threads.
/// </summary>
internal sealed class Crew : IDisposable
{
    private readonly WorkerPool _pool;
    private readonly Worker[] _workers;
    private readonly Action<int> _body;
    private Action<Worker>? _program;

    /// <param name="threads">Threads, the caller's included.</param>
    /// <param name="kernels">Instruction set; the fastest of this machine by default.</param>
    public Crew(int threads, KernelPath? kernels = null)
    {
        _pool = new WorkerPool(threads, TimeSpan.MaxValue);
        KernelPath path = kernels ?? KernelPaths.Choose();
        var deals = new TaskDeals();
        _workers = [.. Enumerable.Range(0, threads).Select(index => new Worker(_pool, deals, index, AttentionKernels.For(path)))];
        _body = index => _program!(_workers[index]);
    }

    public int Threads => _workers.Length;

    /// <summary>Runs a program on all threads. A program that is kept and given again allocates nothing.</summary>
    public void Run(Action<Worker> program)
    {
        _program = program;
        foreach (Worker worker in _workers) worker.Begin();
        _pool.Run(_body);
    }

    public void Dispose()
    {
        _pool.Dispose();
        foreach (Worker worker in _workers) worker.Dispose();
    }
}
