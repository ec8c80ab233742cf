using Kvasir.Cache;
using Kvasir.Numerics;

namespace Kvasir.Tests.Cache;

/// <summary>A hundred thousand steps of one small head: neither memory nor numbers run away.</summary>
public sealed unsafe class LongDecodeTests
{
    private const int Steps = 100_000, Channels = 16, Group = 3, Window = 96, WarmUp = 1000;

    private static readonly AttentionKernels Kernels = AttentionKernels.For(KernelPaths.Choose());
    private static readonly LayerLayout Windowed = new(1, Channels, Channels, Window, null),
        Whole = Windowed with { Window = int.MaxValue };
    private static readonly KvPolicy Policy = KvPolicy.Parse("k=kivi2,v=kivi4,group=16");

    [Fact]
    public void Long_decodes_hold_their_bytes_and_neither_drift_nor_allocate()
    {
        using var sequence = new Decoding();
        var oracle = new OracleCache(Windowed, Policy);
        sequence.Cache.Reserve(Steps);
        int allocating = 0;
        for (int step = 1; step <= Steps; step++)
        {
            var before = Allocated.Now();
            sequence.Append();
            sequence.Attend(Windowed);
            if (step > WarmUp && before.Since() > 0) allocating++;
            oracle.Append([new OracleCache.Token([[.. sequence.Key]], [[.. sequence.Value]])]);
            if (step % 250 == 0) Compare(oracle, sequence, step, Window);
            if (step % 20_000 == 0)
            {
                sequence.Attend(Whole);
                Compare(oracle, sequence, step, int.MaxValue);
            }
            if (step % 1000 == 0) Assert.Equal((oracle.Bytes, oracle.Bytes), (sequence.Cache.Bytes, sequence.Pool.Bytes));
        }
        // Two megabytes of memory hold all blocks of many thousand steps; only taking them makes objects.
        Assert.InRange(allocating, 0, 4);
    }

    [Fact]
    public void Growing_and_truncating_again_and_again_takes_no_new_memory()
    {
        using var sequence = new Decoding();
        long bytes = 0;
        sequence.Cache.Reserve(5000);
        for (int cycle = 0; cycle < 20; cycle++)
        {
            var before = Allocated.Now();
            while (sequence.Cache.Length < 5000) sequence.Append();
            sequence.Sequence.Truncate(96);
            if (cycle == 1) bytes = sequence.Pool.Bytes;
            if (cycle < 2) continue;
            // A slab of new memory would come with objects for its blocks.
            Assert.Equal(0, before.Since() ?? 0);
            Assert.Equal(bytes, sequence.Pool.Bytes);
        }
    }

    private static void Compare(OracleCache oracle, Decoding sequence, int step, int window)
    {
        for (int r = 0; r < Group; r++)
        {
            float[] query = sequence.Queries[(r * Channels)..((r + 1) * Channels)];
            double[] expected = oracle.Attend(0, step - 1, _ => query, out double tolerance, window);
            for (int c = 0; c < Channels; c++)
                if (!(Math.Abs(expected[c] - sequence.Output[r * Channels + c]) <= tolerance))
                    Assert.Fail($"step {step}, row {r}, channel {c}: {expected[c]} expected, {sequence.Output[r * Channels + c]} found");
        }
    }

    /// <summary>One head that gets a random token a step.</summary>
    private sealed class Decoding : IDisposable
    {
        private readonly AttentionScratch _scratch = new(Channels);
        private readonly float[] _maximum = new float[Group], _sum = new float[Group];
        private uint _state = 1;

        public BlockPool Pool { get; } = new();

        public KvCache Sequence { get; }

        public HeadCache Cache => Sequence.Layers[0].Heads[0];

        public float[] Key { get; } = new float[Channels];

        public float[] Value { get; } = new float[Channels];

        public float[] Queries { get; } = new float[Group * Channels];

        public float[] Output { get; } = new float[Group * Channels];

        public Decoding() => Sequence = new KvCache(new KvLayout([Windowed], Kernels, () => "", () => ""), Policy, Pool);

        public void Append()
        {
            Fill(Key);
            Fill(Value);
            Fill(Queries);
            using KvCache.Step step = Sequence.BeginStep(1);
            step.Open(0, 1);
            fixed (float* k = Key, v = Value) step.Write(0, 0, 0, k, v);
            step.Seal(0, 0);
            step.Advance(1);
            step.Commit();
        }

        public void Attend(LayerLayout layer)
        {
            Queries.CopyTo(new Span<float>(_scratch.Queries, Queries.Length));
            fixed (float* o = Output, m = _maximum, s = _sum)
            {
                BlockAttention.Attend(Cache, layer, Kernels, new QueryTile(Cache.Length - 1, Group, Group, Causal: true, SoftCap: 0), 0,
                    Cache.BlockCount, _scratch, o, m, s);
                BlockAttention.Normalise(Kernels, o, Group, Channels, s);
            }
        }

        public void Dispose()
        {
            Cache.Dispose();
            _scratch.Dispose();
            Pool.Dispose();
        }

        private void Fill(float[] x)
        {
            for (int i = 0; i < x.Length; i++)
            {
                _state = 1664525 * _state + 1013904223;
                x[i] = (_state >> 8) / (float)(1 << 23) - 1;
            }
        }
    }
}
