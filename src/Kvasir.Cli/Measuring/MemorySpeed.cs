using System.Numerics;

namespace Kvasir.Cli.Measuring;

/// <summary>How fast this machine reads memory, which is what decoding waits for: each token reads all weights once.</summary>
internal static class MemorySpeed
{
    /// <summary>More than the last cache of most machines holds.</summary>
    private const int BytesOfThread = 96 << 20;

    private const int Rounds = 4;

    /// <summary>Bytes read in a second by so many threads together, each from memory of its own; the best of a few rounds.</summary>
    public static double Measure(int threads)
    {
        byte[][] memory = [.. Enumerable.Range(0, threads).Select(_ => new byte[BytesOfThread])];
        Parallel.ForEach(memory, part => part.AsSpan().Fill(1));
        double best = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long started = Stopwatch.GetTimestamp();
            Parallel.ForEach(memory, new ParallelOptions { MaxDegreeOfParallelism = threads }, part => GC.KeepAlive(Sum(part)));
            best = Math.Max(best, (double)threads * BytesOfThread / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        return best;
    }

    /// <summary>Four sums, so that no addition waits for the one before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long Sum(byte[] memory)
    {
        ReadOnlySpan<Vector<long>> words = MemoryMarshal.Cast<byte, Vector<long>>(memory.AsSpan());
        Vector<long> a = default, b = default, c = default, d = default;
        for (int i = 0; i + 4 <= words.Length; i += 4)
        {
            a += words[i];
            b += words[i + 1];
            c += words[i + 2];
            d += words[i + 3];
        }

        return Vector.Sum(a + b + c + d);
    }
}
