namespace Kvasir.Tests.Memory;

/// <summary>What this thread allocates.</summary>
internal readonly record struct Allocated(long Bytes, int Collections)
{
    public static Allocated Now() => new(GC.GetAllocatedBytesForCurrentThread(), GC.CollectionCount(0));

    /// <summary>Null where a collection, which other tests may cause, has counted what was left of the thread's piece of heap.</summary>
    public long? Since() =>
        GC.GetAllocatedBytesForCurrentThread() - Bytes is var bytes && GC.CollectionCount(0) == Collections ? bytes : null;

    /// <summary>
    /// The least that doing it allocates: nothing, once, where nothing has to be. Until then it is done again, for code that is not
    /// compiled for good yet may allocate, and on a busy machine that takes long.
    /// </summary>
    public static long Least(Action work)
    {
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 50 && least > 0; attempt++)
        {
            if (attempt >= 10) Thread.Sleep(20);
            var before = Now();
            work();
            if (before.Since() is { } bytes) least = Math.Min(least, bytes);
        }
        return least;
    }
}
