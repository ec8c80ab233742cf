using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Numerics;

namespace Kvasir.Benchmarks.Kernels;

/// <summary>
/// Prints, for one thread, what sealing costs per decode step (each kv head of SmolLM2-135M seals one block every 32 steps), per codec,
/// as a share of a decode step of the model where its file is given.
/// </summary>
internal static unsafe class SealingCost
{
    private const int Heads = 90, Channels = 64;

    public static int Run(string[] args)
    {
        double step = args is [var path] ? DecodeStep(path) : 0;
        if (step > 0) Print($"decode step {1e6 * step:f0} us\n");
        foreach (string policy in new[] { "k=f32,v=f32", "k=f16,v=f16", "k=q8,v=q8", "k=kivi4,v=kivi4", "k=kivi4,v=kivi4,scale=16",
            "k=kivi3,v=kivi3", "k=kivi2,v=kivi2", "k=kivi2,v=kivi2,group=16" })
        {
            double sealing = Sealing(KvPolicy.Parse($"{policy},residual=0"));
            Print($"{policy,-26} {1e6 * sealing / Heads:f2} us a block, {1e6 * sealing / KvBlock.Tokens:f1} us a step");
            if (step > 0) Print($", {100 * sealing / KvBlock.Tokens / step:f2} %");
            Console.WriteLine();
        }
        return 0;
    }

    /// <summary>Seconds to seal a block of every head, keys and values not in the caches that are nearest.</summary>
    private static double Sealing(KvPolicy policy)
    {
        var layer = new LayerLayout(Heads, Channels, Channels, int.MaxValue, null);
        var layout = new KvLayout([layer], AttentionKernels.For(KernelPaths.Choose()), () => "", () => "");
        using var pool = new BlockPool();
        using var cache = new KvCache(layout, policy, pool);
        var random = new Random(1);
        float[] floats = [.. Enumerable.Range(0, 1 << 16).Select(_ => random.NextSingle() - 0.5f)];
        double best = double.MaxValue;
        fixed (float* x = floats)
            for (int round = 0; round < 200; round++)
            {
                using KvCache.Step step = cache.BeginStep(KvBlock.Tokens);
                step.Open(0, KvBlock.Tokens);
                for (int h = 0; h < Heads; h++)
                    for (int t = 0; t < KvBlock.Tokens; t++)
                        step.Write(0, h, t, x + random.Next(floats.Length - Channels), x + random.Next(floats.Length - Channels));
                long start = Stopwatch.GetTimestamp();
                for (int h = 0; h < Heads; h++) step.Seal(0, h);
                step.Advance(KvBlock.Tokens);
                step.Commit();
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        return best;
    }

    private static double DecodeStep(string path)
    {
        using Model model = Model.Load(path, new ModelOptions { Threads = 1 });
        using KvCache cache = model.NewCache();
        using var batch = new Batch();
        double best = double.MaxValue;
        for (int t = 0; t < 64; t++)
        {
            batch.Clear();
            batch.Add(cache, [100 + t]);
            long start = Stopwatch.GetTimestamp();
            model.Forward(batch);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private static void Print(FormattableString text) => Console.Write(text.ToString(CultureInfo.InvariantCulture));
}
