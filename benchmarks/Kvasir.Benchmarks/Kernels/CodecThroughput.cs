using Kvasir.Cache;
using Kvasir.Memory;
using Kvasir.Numerics;

namespace Kvasir.Benchmarks.Kernels;

/// <summary>
/// Prints, for one thread, the nanoseconds that a block of 32 tokens takes to read (scores, weighted sum) by codec, from the second-level
/// cache and from memory.
/// </summary>
internal static unsafe class CodecThroughput
{
    private static readonly string[] All = ["f16", "q8/32/8", "kivi4/32/8", "kivi4/32/16", "kivi3/32/8", "kivi2/32/8", "kivi2/16/8"];

    public static int Run(string[] args)
    {
        int rows = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture)
            : 3, channels = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 64;
        Console.WriteLine($"{rows} query heads a kv head of {channels} channels; ns a block: scores, sum, both | from memory: both, GB/s");
        foreach (KernelPath path in Environment.GetEnvironmentVariable(KernelPaths.Variable) == null
            ? KernelPaths.Supported.Where(path => path is not KernelPath.AvxVnni) : [KernelPaths.Choose()])
            foreach (string name in args.Length > 2 ? args[2..] : All) Print(name, path, rows, channels);
        return 0;
    }

    private static void Print(string name, KernelPath path, int rows, int channels)
    {
        AttentionKernels kernels = AttentionKernels.For(path, exact: Environment.GetEnvironmentVariable("EXACT") == "1");
        var codec = new Codecs(kernels)
            .Block(new LayerLayout(1, channels, channels, int.MaxValue, null), name,
            name.Replace("/16/", "/32/", StringComparison.Ordinal));
        const int Strip = 8, Far = 20000;
        using var blocks = new NativeBuffer((long)Far * codec.Bytes);
        using var work = new NativeBuffer((2 * 32 * channels + 2 * rows * channels + rows * 32 * Strip) * sizeof(float));
        float* keys = (float*)work.Pointer, values = keys + 32 * channels, queries = values + 32 * channels, output = queries
            + rows * channels, scores = output + rows * channels;
        var random = new Random(1);
        for (int i = 0; i < 2 * 32 * channels + rows * channels; i++) keys[i] = (float)random.NextDouble() - 0.5f;
        codec.Encode(keys, values, 32, blocks.Pointer, default);
        for (int b = 1; b < Far; b++) Buffer.MemoryCopy(blocks.Pointer, blocks.Pointer + (long)b * codec.Bytes, codec.Bytes, codec.Bytes);
        double encode = Timing.Best(0.05, () => codec.Encode(keys, values, 32, blocks.Pointer, default));

        double scored = Timing.Best(0.6, () => { for (int i = 0; i < 50; i++) Scores(0, 0); }) / 50 / Strip;
        double summed = Timing.Best(0.6, () => { for (int i = 0; i < 50; i++) Accumulate(0, 0); }) / 50 / Strip;
        double far = Timing.Best(0.6, () =>
        {
            for (int first = 0; first < Far; first += Strip)
            {
                Scores(first, first);
                Accumulate(first, first + Strip);
            }
        }) / Far;
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
            $"{path,-10} {name,-12} {codec.Bytes,5} bytes: {scored * 1e9,7:f1} {summed * 1e9,7:f1} {(scored + summed) * 1e9,7:f1} | "
            + $"{far * 1e9,7:f1} {codec.Bytes / far * 1e-9,6:f1} | encode {encode * 1e9:f0}"));

        void Scores(int first, int next)
        {
            byte** now = stackalloc byte*[Strip], then = stackalloc byte*[Strip];
            Locate(first, 0, now);
            Locate(next, codec.KeyBytes, then);
            codec.Keys.Scores(
                new BlockStrip { Blocks = now, Count = Strip, Channels = channels, Next = then, NextBytes = codec.ValueBytes }, queries,
                rows, scores, 32 * Strip);
        }

        void Accumulate(int first, int next)
        {
            byte** now = stackalloc byte*[Strip], then = stackalloc byte*[Strip];
            Locate(first, codec.KeyBytes, now);
            Locate(next, 0, then);
            codec.Values.Accumulate(
                new BlockStrip { Blocks = now, Count = Strip, Channels = channels, Next = then, NextBytes = codec.KeyBytes }, scores,
                32 * Strip, rows, output);
        }

        void Locate(int first, int offset, byte** strip)
        {
            for (int b = 0; b < Strip; b++) strip[b] = blocks.Pointer + (long)(first + b) * codec.Bytes + offset;
        }
    }
}
