using System.Runtime.ExceptionServices;

namespace Kvasir.Numerics;

/// <summary>A fixed set of threads that run one body together (single program, multiple data), with a spin-then-park barrier.</summary>
/// <remarks>Runs of several callers are done one after the other. A body must not call <see cref="Run"/>.</remarks>
internal sealed class WorkerPool : IDisposable
{
    private readonly Lock _callers = new();
    private readonly SpinGate _start, _barrier, _end;
    private readonly Thread[] _threads;
    private Action<int>? _body;
    private ExceptionDispatchInfo? _failure;
    private bool _disposed;

    public WorkerPool(int workers)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(workers);
        Workers = workers;
        bool crowded = workers > Environment.ProcessorCount;
        _start = new SpinGate(crowded);
        _barrier = new SpinGate(crowded);
        _end = new SpinGate(crowded);
        _threads = new Thread[workers - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"Kvasir worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Number of workers, the calling thread included.</summary>
    public int Workers { get; }

    /// <summary>Runs <paramref name="body"/>(worker) on every worker; the caller is worker 0. Returns when all are done; an exception of any worker is thrown here and releases the others from their barriers. Allocates nothing.</summary>
    public void Run(Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        lock (_callers)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_body != null) throw new InvalidOperationException("A worker's body cannot start another run of its pool");
            _body = body;
            if (Workers > 1) _start.Open();
            RunBody(0);
            if (Workers > 1) Meet(_end);
            var failure = _failure;
            _body = null;
            _failure = null;
            _barrier.Reset();
            failure?.Throw();
        }
    }

    /// <summary>Inside <see cref="Run"/>: waits for all workers.</summary>
    public void Barrier()
    {
        if (Workers == 1) return;
        int phase = _barrier.Phase;
        // A failure after this check opens the gate after the phase was read, so that nobody waits in vain.
        if (Volatile.Read(ref _failure) == null) Meet(_barrier, phase);
        if (Volatile.Read(ref _failure) != null) throw new ReleasedException();
    }

    public void Dispose()
    {
        lock (_callers)
        {
            if (_disposed) return;
            _disposed = true;
            _start.Open();
        }
        foreach (var thread in _threads) thread.Join();
    }

    private void Work(int worker)
    {
        for (int phase = 0; ; phase++)
        {
            _start.Wait(phase);
            if (Volatile.Read(ref _disposed)) return;
            RunBody(worker);
            // The caller alone waits for the end; the others only say that they are there.
            if (_end.Arrive(Workers)) _end.Open();
        }
    }

    private void RunBody(int worker)
    {
        try
        {
            _body!(worker);
        }
        catch (ReleasedException)
        {
            // Another worker failed first.
        }
#pragma warning disable CA1031 // whatever a worker throws is thrown again by Run
        catch (Exception error)
#pragma warning restore CA1031
        {
            if (Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(error), null) == null) _barrier.Open();
        }
    }

    private void Meet(SpinGate gate) => Meet(gate, gate.Phase);

    private void Meet(SpinGate gate, int phase)
    {
        if (gate.Arrive(Workers)) gate.Open();
        else gate.Wait(phase);
    }

    private sealed class ReleasedException : Exception;
}
