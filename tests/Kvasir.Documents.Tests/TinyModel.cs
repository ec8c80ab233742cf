using Kvasir.Quantization;

namespace Kvasir.Documents.Tests;

/// <summary>
/// A Llama-type model of two small layers with random weights, whose tokens are bytes: it starts at once and answers nonsense.
/// </summary>
internal static class TinyModel
{
    private const int Layers = 2, Width = 32, Heads = 4, KvHeads = 2, FeedForward = 48;

    private static readonly string[] Special = ["<|user|>", "<|end|>", "<|assistant|>"];

    private const string Template =
        "{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    public static string Write(string path, string template = Template, uint contextLength = 2048)
    {
        var writer = new GgufWriter();
        string[] tokens = [.. Enumerable.Range(0, 256).Select(ByteLevel), "th", .. Special];
        writer.Add("general.architecture", "llama");
        writer.Add("llama.context_length", contextLength);
        writer.Add("llama.embedding_length", (uint)Width);
        writer.Add("llama.block_count", (uint)Layers);
        writer.Add("llama.feed_forward_length", (uint)FeedForward);
        writer.Add("llama.attention.head_count", (uint)Heads);
        writer.Add("llama.attention.head_count_kv", (uint)KvHeads);
        writer.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        writer.Add("llama.rope.dimension_count", (uint)(Width / Heads));
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", "gpt-2");
        writer.Add("tokenizer.ggml.tokens", tokens);
        writer.Add("tokenizer.ggml.token_type", tokens.Select(token => Special.Contains(token) ? 3 : 1).ToArray());
        writer.Add("tokenizer.ggml.merges", new[] { "t h" });
        writer.Add("tokenizer.ggml.eos_token_id", (uint)Array.IndexOf(tokens, "<|end|>"));
        writer.Add("tokenizer.chat_template", template);
        AddWeights(writer, tokens.Length);
        writer.Write(path);
        return path;
    }

    private static void AddWeights(GgufWriter writer, int vocabulary)
    {
        var random = new Random(3);
        Matrix("token_embd.weight", vocabulary, Width);
        Norm("output_norm.weight");
        for (int layer = 0; layer < Layers; layer++)
        {
            string block = $"blk.{layer}.";
            Norm(block + "attn_norm.weight");
            Norm(block + "ffn_norm.weight");
            Matrix(block + "attn_q.weight", Width, Width);
            Matrix(block + "attn_k.weight", Width / Heads * KvHeads, Width);
            Matrix(block + "attn_v.weight", Width / Heads * KvHeads, Width);
            Matrix(block + "attn_output.weight", Width, Width);
            Matrix(block + "ffn_gate.weight", FeedForward, Width);
            Matrix(block + "ffn_up.weight", FeedForward, Width);
            Matrix(block + "ffn_down.weight", Width, FeedForward);
        }

        void Matrix(string name, int rows, int columns) =>
            writer.AddTensor(name, TensorType.F32, [rows, columns],
                [.. Enumerable.Range(0, rows * columns).Select(_ => (random.NextSingle() - 0.5f) * 3 / MathF.Sqrt(columns))]);

        void Norm(string name) => writer.AddTensor(name, TensorType.F32, [Width], [.. Enumerable.Repeat(1f, Width)]);
    }

    /// <summary>How byte-level vocabularies spell a byte: itself where it can be seen, else a letter from 256 on.</summary>
    private static string ByteLevel(int value)
    {
        int[] hidden = [.. Enumerable.Range(0, 256).Where(b => b is < 33 or (> 126 and < 161) or 173)];
        int at = Array.IndexOf(hidden, value);
        return ((char)(at < 0 ? value : 256 + at)).ToString();
    }
}
