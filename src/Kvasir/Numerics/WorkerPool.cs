using System.Runtime.ExceptionServices;

namespace Kvasir.Numerics;

/// <summary>A fixed set of threads that run one body together (single program, multiple data), with a spin-then-park barrier.</summary>
/// <remarks>
/// Runs of several callers are done one after the other. A body must not call <see cref="Run"/>.
/// On a busy machine threads that meet every few microseconds wait for each other's turn on a core most of the time, and one thread would
/// be faster. Where that is seen, the caller does the rest of the run alone, and what comes within a pause; each time that it is seen
/// again, the next pause is twice as long, and half as long after a run that went well.
/// </remarks>
internal sealed class WorkerPool : IDisposable
{
    private static readonly long ShortestPause = Stopwatch.Frequency / 50, LongestPause = Stopwatch.Frequency;

    private readonly Lock _callers = new();
    private readonly SpinGate _start, _barrier, _end;
    private readonly Thread[] _threads;
    private Action<int>? _body;
    private ExceptionDispatchInfo? _failure;
    private bool _disposed, _alone;
    private long _started, _lost, _aloneUntil, _pause = ShortestPause;
    private readonly long _patience;

    /// <param name="workers">Threads, the caller's included.</param>
    /// <param name="patience">Waiting that a run may cost, 2 ms by default; <see cref="TimeSpan.MaxValue"/> keeps all workers in.</param>
    public WorkerPool(int workers, TimeSpan? patience = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(workers);
        Workers = workers;
        _patience = (long)((patience ?? TimeSpan.FromMilliseconds(2)).TotalSeconds * Stopwatch.Frequency);
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

    /// <summary>How many share the work from here on: all, or the caller alone. It may change with every <see cref="Barrier"/>.</summary>
    public int Running => _alone ? 1 : Workers;

    /// <summary>
    /// Runs <paramref name="body"/>(worker) on all workers, the caller being 0. A worker's exception frees the others and is thrown here.
    /// </summary>
    public void Run(Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        lock (_callers)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_body != null) throw new InvalidOperationException("A worker's body cannot start another run of its pool");
            _body = body;
            (_started, _lost) = (Stopwatch.GetTimestamp(), 0);
            bool together = Workers > 1 && _started >= _aloneUntil;
            _alone = !together;
            if (together) _start.Open();
            RunBody(0);
            if (together)
            {
                Meet(_end);
                if (!_alone && !Loses()) _pause = Math.Max(_pause / 2, ShortestPause);
            }
            var failure = _failure;
            _body = null;
            _failure = null;
            _barrier.Reset();
            failure?.Throw();
        }
    }

    /// <summary>Inside <see cref="Run"/>: waits for all others. Those no longer wanted in this run do not come back.</summary>
    public void Barrier(int worker)
    {
        if (_alone) return;
        int phase = _barrier.Phase;
        // A failure after this check opens the gate after the phase was read, so that nobody waits in vain.
        if (Volatile.Read(ref _failure) == null)
        {
            if (_barrier.Arrive(Workers))
            {
                _alone = Loses();
                _barrier.Open();
            }
            else Lose(_barrier.Wait(phase));
        }
        if (Volatile.Read(ref _failure) != null || (_alone && worker > 0)) throw new ReleasedException();
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
            Lose(Stopwatch.GetTimestamp() - _started);
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
            // Another worker failed first, or the caller goes on alone.
        }
#pragma warning disable CA1031 // whatever a worker throws is thrown again by Run
        catch (Exception error)
#pragma warning restore CA1031
        {
            if (Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(error), null) == null) _barrier.Open();
        }
    }

    private void Meet(SpinGate gate)
    {
        int phase = gate.Phase;
        if (gate.Arrive(Workers)) gate.Open();
        else Lose(gate.Wait(phase));
    }

    private void Lose(long ticks)
    {
        if (ticks > 0) Interlocked.Add(ref _lost, ticks);
    }

    /// <summary>Whether more than half of the other workers' gain is lost in waiting; the next runs are the caller's then.</summary>
    private bool Loses()
    {
        long lost = Volatile.Read(ref _lost);
        if (lost <= _patience) return false;
        long now = Stopwatch.GetTimestamp();
        if (lost <= (Workers - 1) * (now - _started) / 2) return false;
        _aloneUntil = now + _pause;
        _pause = Math.Min(2 * _pause, LongestPause);
        return true;
    }

    private sealed class ReleasedException : Exception;
}
