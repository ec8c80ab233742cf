namespace Kvasir.Documents.Asking;

/// <summary>
/// Time and CPU time of a stream of questions, by phase. CPU time is the process's, of all threads and to the microsecond: one thread goes
/// from phase to phase, so that what the workers do in between, and their spinning, counts for the phase they work for.
/// </summary>
public sealed class AskCosts
{
    private readonly TimeSpan[] _cpu = new TimeSpan[Enum.GetValues<AskPhase>().Length];
    private readonly TimeSpan[] _elapsed = new TimeSpan[Enum.GetValues<AskPhase>().Length];
    private AskPhase _phase;
    private bool _running;
    private TimeSpan _cpuMark;
    private long _mark;

    /// <summary>CPU time of all phases.</summary>
    public TimeSpan TotalCpu => _cpu.Aggregate(TimeSpan.Zero, (sum, part) => sum + part);

    /// <summary>Time of all phases.</summary>
    public TimeSpan TotalElapsed => _elapsed.Aggregate(TimeSpan.Zero, (sum, part) => sum + part);

    /// <summary>CPU time of a phase.</summary>
    public TimeSpan Cpu(AskPhase phase) => _cpu[(int)phase];

    /// <summary>Time of a phase.</summary>
    public TimeSpan Elapsed(AskPhase phase) => _elapsed[(int)phase];

    /// <summary>Counts from now on, as <see cref="AskPhase.Other"/> until a phase begins.</summary>
    internal void Start()
    {
        _running = true;
        (_cpuMark, _mark) = (Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
    }

    internal void Stop()
    {
        Switch(AskPhase.Other);
        _running = false;
    }

    /// <summary>Counts for a phase until the result is disposed, then again for the one that was before.</summary>
    internal Scope Measure(AskPhase phase) => new(this, Switch(phase));

    private AskPhase Switch(AskPhase phase)
    {
        AskPhase before = _phase;
        _phase = phase;
        if (_running)
        {
            (TimeSpan cpu, long now) = (Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
            _cpu[(int)before] += cpu - _cpuMark;
            _elapsed[(int)before] += Stopwatch.GetElapsedTime(_mark, now);
            (_cpuMark, _mark) = (cpu, now);
        }

        return before;
    }

    /// <summary>A phase that ends with <see cref="Dispose"/>.</summary>
    internal readonly ref struct Scope(AskCosts costs, AskPhase before)
    {
        public void Dispose() => costs.Switch(before);
    }
}
