using Kvasir.Formats;
using Kvasir.Quantization;
using Kvasir.Training.Data;

namespace Kvasir.Benchmarks;

/// <summary>
/// Writes GGUF models of real shapes with random weights, so that speed can be measured for every weight type without the real files.
/// </summary>
internal static class RandomModels
{
    private static readonly Dictionary<string, Shape> Shapes = new(StringComparer.Ordinal)
    {
        ["smollm2-135m"] = new(Layers: 30, Width: 576, Heads: 9, KvHeads: 3, HeadDim: 64, FeedForward: 1536, Vocabulary: 49152,
            Context: 8192, RotaryBase: 100000),
        ["llama-3.2-1b"] = new(Layers: 16, Width: 2048, Heads: 32, KvHeads: 8, HeadDim: 64, FeedForward: 8192, Vocabulary: 128256,
            Context: 131072, RotaryBase: 500000),
        // Six of the 32 layers: what a layer does is what all do.
        ["llava-1.5-7b-6-layers"] = new(Layers: 6, Width: 4096, Heads: 32, KvHeads: 32, HeadDim: 128, FeedForward: 11008,
            Vocabulary: 32064, Context: 4096, RotaryBase: 10000),
    };

    /// <summary><c>models FOLDER SHAPE TYPE…</c>: one file per type.</summary>
    public static int Write(string[] arguments)
    {
        if (arguments.Length < 3 || !Shapes.TryGetValue(arguments[1], out Shape? shape))
        {
            Console.Error.WriteLine($"usage: models FOLDER {string.Join('|', Shapes.Keys)} TYPE… (as in Q8_0 Q4_0 Q4_K F16)");
            return 2;
        }
        foreach (TensorType type in arguments[2..].Select(Enum.Parse<TensorType>))
        {
            string path = Path.Combine(arguments[0], $"{arguments[1]}.{type}.gguf");
            Write(path, shape, type);
            Console.WriteLine(path);
        }
        return 0;
    }

    private static void Write(string path, Shape shape, TensorType type)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        writer.Add("general.name", Path.GetFileNameWithoutExtension(path));
        writer.Add("llama.block_count", (uint)shape.Layers);
        writer.Add("llama.context_length", (uint)shape.Context);
        writer.Add("llama.embedding_length", (uint)shape.Width);
        writer.Add("llama.feed_forward_length", (uint)shape.FeedForward);
        writer.Add("llama.attention.head_count", (uint)shape.Heads);
        writer.Add("llama.attention.head_count_kv", (uint)shape.KvHeads);
        writer.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        writer.Add("llama.rope.freq_base", shape.RotaryBase);
        writer.Add("llama.rope.dimension_count", (uint)shape.HeadDim);
        Vocabulary(writer, shape.Vocabulary);
        int kv = shape.KvHeads * shape.HeadDim, heads = shape.Heads * shape.HeadDim;
        Matrix(writer, "token_embd.weight", type, shape.Vocabulary, shape.Width);
        Ones(writer, "output_norm.weight", shape.Width);
        for (int l = 0; l < shape.Layers; l++)
        {
            Ones(writer, $"blk.{l}.attn_norm.weight", shape.Width);
            Matrix(writer, $"blk.{l}.attn_q.weight", type, heads, shape.Width);
            Matrix(writer, $"blk.{l}.attn_k.weight", type, kv, shape.Width);
            Matrix(writer, $"blk.{l}.attn_v.weight", type, kv, shape.Width);
            Matrix(writer, $"blk.{l}.attn_output.weight", type, shape.Width, heads);
            Ones(writer, $"blk.{l}.ffn_norm.weight", shape.Width);
            Matrix(writer, $"blk.{l}.ffn_gate.weight", type, shape.FeedForward, shape.Width);
            Matrix(writer, $"blk.{l}.ffn_up.weight", type, shape.FeedForward, shape.Width);
            Matrix(writer, $"blk.{l}.ffn_down.weight", type, shape.Width, shape.FeedForward);
        }
        writer.Write(path);
    }

    /// <summary>The bytes, and as many words as are needed that no text has.</summary>
    private static void Vocabulary(GgufWriter writer, int count)
    {
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", "smollm");
        string[] tokens =
            [.. BpeVocabulary.Bytes, .. Enumerable.Range(0, count - BpeVocabulary.Bytes.Count).Select(word => $"w{word}")];
        writer.Add("tokenizer.ggml.tokens", tokens);
        writer.Add("tokenizer.ggml.merges", Array.Empty<string>());
        writer.Add("tokenizer.ggml.bos_token_id", 0u);
        writer.Add("tokenizer.ggml.eos_token_id", 0u);
    }

    private static void Ones(GgufWriter writer, string name, int length) =>
        writer.AddTensor(name, TensorType.F32, [length], Enumerable.Repeat(1f, length).ToArray().AsSpan());

    /// <summary>
    /// One block of random numbers of a fitting size, again and again in other orders of rows: what the kernels do does not depend on the
    /// values.
    /// </summary>
    private static void Matrix(GgufWriter writer, string name, TensorType type, int rows, int columns) =>
        writer.AddTensor(name, type, [rows, columns], stream =>
    {
        const int pool = 64;
        byte[][] kinds = [.. Enumerable.Range(0, pool).Select(seed => Row(type, columns, seed))];
        for (int r = 0; r < rows; r++) stream.Write(kinds[(r * 31 + name.Length) % pool]);
    });

    private static byte[] Row(TensorType type, int columns, int seed)
    {
        var random = new Random(seed);
        float[] values = [.. Enumerable.Range(0, columns).Select(_ => (float)((random.NextDouble() * 2 - 1) / Math.Sqrt(columns)))];
        byte[] row = new byte[GgmlBlocks.ByteLength(type, columns)];
        if (type == TensorType.Q4_K) RandomQ4K(random, row, columns);
        else BlockWriter.Quantize(type, values, row);
        return row;
    }

    /// <summary>
    /// Q4_K blocks of 256: two float16 (scale of scales, scale of minima), 12 bytes of 6-bit scales, 128 bytes of codes. Random ones, small
    /// enough to keep activations finite.
    /// </summary>
    private static void RandomQ4K(Random random, byte[] row, int columns)
    {
        random.NextBytes(row);
        int bytes = GgmlBlocks.BlockBytes(TensorType.Q4_K);
        for (int block = 0; block < row.Length; block += bytes)
        {
            BitConverter.TryWriteBytes(row.AsSpan(block), (Half)(1e-3 / Math.Sqrt(columns)));
            BitConverter.TryWriteBytes(row.AsSpan(block + 2), (Half)(7e-3 / Math.Sqrt(columns)));
        }
    }

    private sealed record Shape(
        int Layers, int Width, int Heads, int KvHeads, int HeadDim, int FeedForward, int Vocabulary, int Context, float RotaryBase);
}
