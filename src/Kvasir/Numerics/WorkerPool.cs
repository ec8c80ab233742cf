namespace Kvasir.Numerics;

/// <summary>A fixed set of threads that run one body together (single program, multiple data), with a spin-then-park barrier.</summary>
internal sealed class WorkerPool : IDisposable
{
    public WorkerPool(int workers) => throw new NotImplementedException();

    /// <summary>Number of workers, the calling thread included.</summary>
    public int Workers { get; }

    /// <summary>Runs <paramref name="body"/>(worker) on every worker; the caller is worker 0. Returns when all are done; an exception of any worker is thrown here and releases the others from their barriers. Allocates nothing.</summary>
    public void Run(Action<int> body) => throw new NotImplementedException();

    /// <summary>Inside <see cref="Run"/>: waits for all workers.</summary>
    public void Barrier() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
