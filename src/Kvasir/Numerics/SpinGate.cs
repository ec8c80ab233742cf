namespace Kvasir.Numerics;

/// <summary>A gate that opens again and again: waiters spin for some microseconds, then offer the core to others, then park.</summary>
internal sealed class SpinGate
{
    private static readonly long YieldAfter = Stopwatch.Frequency * 4 / 1_000_000, ParkAfter = Stopwatch.Frequency * 100 / 1_000_000;

    private readonly object _park = new();
    private readonly bool _crowded;
    private Padded _state;

    /// <param name="crowded">More threads than cores: a waiter that spins would keep the awaited thread from running.</param>
    public SpinGate(bool crowded) => _crowded = crowded;

    /// <summary>How many times the gate has opened.</summary>
    public int Phase => Volatile.Read(ref _state.Phase);

    /// <summary>Counts an arrival; true for the last of <paramref name="expected"/>, who has to open the gate.</summary>
    public bool Arrive(int expected)
    {
        if (Interlocked.Increment(ref _state.Arrived) != expected) return false;
        Volatile.Write(ref _state.Arrived, 0);
        return true;
    }

    /// <summary>Forgets arrivals. Only while nobody else uses the gate.</summary>
    public void Reset() => Volatile.Write(ref _state.Arrived, 0);

    public void Open()
    {
        Interlocked.Increment(ref _state.Phase);
        // The increment is a full fence: either the parked count is seen here, or the new phase is seen there.
        if (Volatile.Read(ref _state.Parked) == 0) return;
        lock (_park) Monitor.PulseAll(_park);
    }

    /// <summary>
    /// Returns once <see cref="Phase"/> is not <paramref name="phase"/>, with the ticks that went by, or 0 where they were few.
    /// </summary>
    public long Wait(int phase)
    {
        long start = Stopwatch.GetTimestamp(), waited = 0;
        for (; !_crowded && waited <= ParkAfter; waited = Stopwatch.GetTimestamp() - start)
        {
            if (waited > YieldAfter) Thread.Yield();
            for (int i = 0; i < 32; i++)
            {
                if (Phase != phase) return waited <= YieldAfter ? 0 : Stopwatch.GetTimestamp() - start;
                Thread.SpinWait(1);
            }
        }
        for (int i = 0; _crowded && i < 4 && Phase == phase; i++) Thread.Yield();
        if (Phase == phase) Park(phase);
        return Stopwatch.GetTimestamp() - start;
    }

    private void Park(int phase)
    {
        lock (_park)
        {
            Interlocked.Increment(ref _state.Parked);
            while (Phase == phase) Monitor.Wait(_park);
            Interlocked.Decrement(ref _state.Parked);
        }
    }

    /// <summary>Each counter on cache lines of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 512)]
    private struct Padded
    {
        [FieldOffset(128)] public int Phase;
        [FieldOffset(256)] public int Arrived;
        [FieldOffset(384)] public int Parked;
    }
}
