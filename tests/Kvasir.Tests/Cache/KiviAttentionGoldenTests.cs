using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Tests.Cache;

/// <summary>Attention over a quantised past as the official KIVI class gives it (shared golden/kivi/attention).</summary>
[Trait("Category", "Kernels")]
public sealed class KiviAttentionGoldenTests
{
    private const int Heads = 9, KvHeads = 3, Group = Heads / KvHeads, Channels = 64, Tokens = KvBlock.Tokens;
    private const float Tolerance = 1e-5f;

    public static TheoryData<int, int> PathsAndScales
    {
        get
        {
            var all = new TheoryData<int, int>();
            foreach (KernelPath path in KernelPaths.Supported)
                foreach (int scaleBits in new[] { 16, 32 }) all.Add((int)path, scaleBits);
            return all;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(PathsAndScales))]
    public void Attention_from_the_codes_is_the_reference_s(int path, int scaleBits) =>
        CheckExact(scaleBits, (state, head, queries) => FromCodes(state, AttentionKernels.For((KernelPath)path), head, queries));

    [SkippableTheory]
    [MemberData(nameof(PathsAndScales))]
    public void Attention_over_decoded_keys_and_values_is_the_reference_s(int path, int scaleBits) =>
        CheckExact(scaleBits, (state, head, queries) => OverDecoded(state, AttentionKernels.For((KernelPath)path), head, queries));

    [SkippableTheory]
    [MemberData(nameof(PathsAndScales))]
    public void Kernels_of_models_add_little_to_what_quantisation_changes(int path, int scaleBits) =>
        Check(scaleBits, (state, head, queries) =>
            FromCodes(state, AttentionKernels.For((KernelPath)path, exact: false), head, queries), error =>
            Assert.True(error.Squares <= 0.1 * error.EffectSquares,
                $"{error.Case}: {error.Squares / error.EffectSquares} of the squares of quantisation"));

    /// <summary>What one query of a case meets: keys and values [kv heads, tokens, 64], of which the first so many are quantised.</summary>
    private sealed record State(
        float[] Keys, float[] Values, int Total, int Length, int QuantizedKeys, int QuantizedValues, QuantizedFormat KeyFormat,
        QuantizedFormat ValueFormat)
    {
        /// <summary>Encodes the block of tokens that starts at <paramref name="first"/>; the last one may be short.</summary>
        public EncodedBlock Encode(AttentionKernels kernels, int head, int first, int quantized)
        {
            int count = Math.Min(Tokens, quantized - first);
            float[] keys = new float[Channels * Tokens], values = new float[Tokens * Channels];
            for (int t = 0; t < count; t++)
                for (int c = 0; c < Channels; c++)
                    (keys[c * Tokens + t], values[t * Channels + c]) =
                        (Keys[(head * Total + first + t) * Channels + c], Values[(head * Total + first + t) * Channels + c]);
            return new EncodedBlock(kernels, KeyFormat.ToString(), ValueFormat.ToString(), Channels, keys, values, count);
        }

        public Span<float> Key(int head, int token) => Keys.AsSpan((head * Total + token) * Channels, Channels);

        public Span<float> Value(int head, int token) => Values.AsSpan((head * Total + token) * Channels, Channels);
    }

    /// <summary>
    /// How far the outputs of a case are from the reference's, and the latter from full precision: the largest distance and the sum of
    /// squares.
    /// </summary>
    private record struct Error(string Case, double Distance, double Effect, double Squares, double EffectSquares)
    {
        public void Add(float actual, float expected, float exact)
        {
            double distance = Math.Abs((double)actual - expected), effect = Math.Abs((double)expected - exact);
            this = new Error(Case, Math.Max(Distance, distance), Math.Max(Effect, effect), Squares + distance * distance, EffectSquares
                + effect * effect);
        }
    }

    private static void CheckExact(int scaleBits, Func<State, int, float[], float[]> attention) => Check(scaleBits, attention, error =>
    {
        Assert.True(error.Distance <= Tolerance, $"{error.Case}: {error.Distance} from the reference");
        Assert.True(error.Effect > 100 * Tolerance, $"{error.Case}: only {error.Effect} from attention in full precision");
    });

    private static void Check(int scaleBits, Func<State, int, float[], float[]> attention, Action<Error> check)
    {
        using SafetensorsFile tensors = SafetensorsFile.Open(SharedData.Require("golden/kivi/attention.safetensors"));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/kivi/attention.json")));
        foreach (JsonElement golden in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = golden.GetProperty("name").GetString()!, inputs = golden.GetProperty("inputs").GetString()!;
            int cached = Int("tokens_cached_before_first_query"), steps = Int("decode_steps"), residual = Int("residual");
            float[] queries = tensors.Floats($"{inputs}.q"), keys = tensors.Floats($"{inputs}.k"), values = tensors.Floats($"{inputs}.v");
            float[] expected = tensors.Floats(scaleBits == 32 ? $"{name}.out" : $"{name}.out_f16"),
                exact = tensors.Floats($"{name}.out_full_precision");
            var error = new Error(name, 0, 0, 0, 0);
            for (int step = 0; step < steps; step++)
            {
                int position = cached + step;
                var state = new State(keys, values, cached + steps, position + 1, position / residual * residual,
                    Math.Max(0, position - residual),
                    new QuantizedFormat(Int("k_bits"), 32, scaleBits), new QuantizedFormat(Int("v_bits"), 32, scaleBits));
                for (int head = 0; head < KvHeads; head++)
                {
                    float[] ofGroup = [.. Enumerable.Range(head * Group, Group)
                        .SelectMany(h => Enumerable.Range((h * steps + step) * Channels, Channels)).Select(i => queries[i] / 8)];
                    float[] output = attention(state, head, ofGroup);
                    for (int i = 0; i < output.Length; i++)
                    {
                        int at = (step * Heads + head * Group) * Channels + i;
                        error.Add(output[i], expected[at], exact[at]);
                    }
                }
            }
            check(error);

            int Int(string property) => golden.GetProperty(property).GetInt32();
        }
    }

    /// <summary>Scores and weighted sums straight from the codes, what is exact and the softmax in double.</summary>
    private static float[] FromCodes(State state, AttentionKernels kernels, int head, float[] queries)
    {
        var weights = new double[Group][];
        for (int r = 0; r < Group; r++)
        {
            weights[r] = new double[state.Length];
            for (int t = state.QuantizedKeys; t < state.Length; t++)
                for (int c = 0; c < Channels; c++) weights[r][t] += (double)queries[r * Channels + c] * state.Key(head, t)[c];
        }
        for (int first = 0; first < state.QuantizedKeys; first += Tokens)
        {
            using EncodedBlock block = state.Encode(kernels, head, first, state.QuantizedKeys);
            float[] scores = block.Scores(queries, Group, Tokens);
            for (int r = 0; r < Group; r++)
                for (int t = 0; t < Tokens; t++) weights[r][first + t] = scores[r * Tokens + t];
        }
        foreach (double[] row in weights)
        {
            double highest = row.Max(), sum = row.Sum(score => Math.Exp(score - highest));
            for (int t = 0; t < row.Length; t++) row[t] = Math.Exp(row[t] - highest) / sum;
        }
        float[] output = new float[Group * Channels];
        for (int first = 0; first < state.QuantizedValues; first += Tokens)
        {
            using EncodedBlock block = state.Encode(kernels, head, first, state.QuantizedValues);
            float[] ofBlock =
                [.. weights.SelectMany(row => Enumerable.Range(first, Tokens).Select(t => t < state.QuantizedValues ? (float)row[t] : 0))];
            output = block.Accumulate(ofBlock, Tokens, Group, output);
        }
        for (int i = 0; i < output.Length; i++)
        {
            double sum = output[i];
            for (int t = state.QuantizedValues; t < state.Length; t++) sum += weights[i / Channels][t] * state.Value(head, t)[i % Channels];
            output[i] = (float)sum;
        }
        return output;
    }

    /// <summary>A float32 cache of what the codecs decode, and the rest as it is.</summary>
    private static unsafe float[] OverDecoded(State state, AttentionKernels kernels, int head, float[] queries)
    {
        float[] keys = [.. Enumerable.Range(0, state.Length).SelectMany(t => state.Key(head, t).ToArray())],
            values = [.. Enumerable.Range(0, state.Length).SelectMany(t => state.Value(head, t).ToArray())];
        for (int first = 0; first < state.QuantizedKeys; first += Tokens)
        {
            using EncodedBlock block = state.Encode(kernels, head, first, state.QuantizedKeys);
            float[] decoded = block.Decode().Keys;
            for (int t = 0; t < Tokens; t++)
                for (int c = 0; c < Channels; c++) keys[(first + t) * Channels + c] = decoded[c * Tokens + t];
        }
        for (int first = 0; first < state.QuantizedValues; first += Tokens)
        {
            using EncodedBlock block = state.Encode(kernels, head, first, state.QuantizedValues);
            block.Decode().Values.AsSpan(0, Math.Min(Tokens, state.QuantizedValues - first) * Channels)
                .CopyTo(values.AsSpan(first * Channels));
        }
        var layer = new LayerLayout(1, Channels, Channels, int.MaxValue, null);
        using var pool = new BlockPool();
        using var sequence = new KvCache(new KvLayout([layer], kernels, () => "", () => ""), KvPolicy.Parse("k=f32,v=f32"), pool);
        sequence.Append(state.Length, seal: true, (_, _, token, key, value) =>
        {
            keys.AsSpan(token * Channels, Channels).CopyTo(key);
            values.AsSpan(token * Channels, Channels).CopyTo(value);
        });
        HeadCache cache = sequence.Layers[0].Heads[0];
        using var scratch = new AttentionScratch(Channels);
        float[] output = new float[Group * Channels], maximum = new float[Group], sum = new float[Group];
        fixed (float* o = output, m = maximum, s = sum)
        {
            queries.CopyTo(new Span<float>(scratch.Queries, queries.Length));
            BlockAttention.Attend(cache, layer, kernels, new QueryTile(state.Length - 1, Group, Group, Causal: true, SoftCap: 0), 0,
                cache.BlockCount, scratch, o, m, s);
            BlockAttention.Normalise(kernels, o, Group, Channels, s);
        }
        return output;
    }
}
