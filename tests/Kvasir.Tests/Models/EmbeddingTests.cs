using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;
using Kvasir.Reference;

namespace Kvasir.Tests.Models;

/// <summary>Sentence embeddings of a small random BERT, against its definition written out with plain loops (Devlin et al. 2018).</summary>
public sealed class EmbeddingTests : ReferenceComparison
{
    private const int Layers = 2, Width = 16, Heads = 2, FeedForward = 24, Context = 40;
    private static readonly string[] Words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "e"];

    private readonly Dictionary<string, float[]> _weights = [];

    public EmbeddingTests()
    {
        var random = new Random(1);
        foreach ((string name, long[] shape) in Shapes())
            _weights[name] = [.. Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b))
                .Select(_ => (float)((name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1 : 0) + random.NextDouble() - 0.5))];
    }

    [Theory]
    [InlineData(null, "mean")]
    [InlineData(1u, "mean")]
    [InlineData(2u, "first")]
    [InlineData(3u, "last")]
    public void Pooling_is_the_one_that_the_file_names(uint? type, string pooling)
    {
        using Model model = Load(type);
        foreach (string text in (string[])["a", "a b c d", "e e d c b a"]) Same(Expected(text, pooling), model.Embed(text));
        Assert.True(Distance(Expected("a b c d", "mean"), Expected("a b c d", "first")) > 0.1
            && Distance(Expected("a b c d", "first"), Expected("a b c d", "last")) > 0.1);
    }

    [Fact]
    public void Nomics_bert_rotates_and_gates()
    {
        var random = new Random(2);
        foreach (string bias in _weights.Keys.Where(name =>
            name.EndsWith(".bias", StringComparison.Ordinal) && !name.Contains("norm", StringComparison.Ordinal))
                .ToArray()) _weights.Remove(bias);
        for (int layer = 0; layer < Layers; layer++)
            _weights[$"blk.{layer}.ffn_gate.weight"] =
                [.. Enumerable.Range(0, FeedForward * Width).Select(_ => (float)(random.NextDouble() - 0.5))];
        _weights.Remove("position_embd.weight");
        using Model model = Load(1u, "nomic-bert");
        foreach (string text in (string[])["a", "a b c d", "e e d c b a"]) Same(Expected(text, "mean"), model.Embed(text));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(4u)]
    [InlineData(99u)]
    public void Pooling_that_gives_no_vector_is_refused_by_name(uint type) =>
        Assert.Contains("pooling_type", Assert.Throws<InvalidInputException>(() => Load(type)).Message, StringComparison.Ordinal);

    [Fact]
    public void Texts_together_get_the_embeddings_that_they_get_alone()
    {
        using Model model = Load(2u);
        string[] texts = [.. Enumerable.Range(0, 60)
            .Select(i => string.Join(' ', Enumerable.Range(0, 1 + i % 37).Select(j => Words[4 + (i + j * j) % 5])))];
        float[][] together = model.Embed(texts);
        for (int i = 0; i < texts.Length; i++) Same([.. model.Embed(texts[i]).Select(value => (double)value)], together[i]);
    }

    [Fact]
    public void A_text_longer_than_the_context_is_the_mean_of_its_windows()
    {
        using Model model = Load(1u);
        string[] words = [.. Enumerable.Range(0, 100).Select(i => Words[4 + i * i % 5])];
        Assert.Equal(1, model.CountEmbeddingWindows(string.Join(' ', words[..(Context - 2)])));
        Assert.Equal(3, model.CountEmbeddingWindows(string.Join(' ', words)));
        double[][] windows = [.. words.Chunk(34).Select(window => Expected(string.Join(' ', window), "mean"))];
        Same(Unit([.. Enumerable.Range(0, Width).Select(c => windows.Sum(window => window[c]))]), model.Embed(string.Join(' ', words)));
    }

    [Theory]
    [InlineData("pooling_mode_mean_tokens", "mean")]
    [InlineData("pooling_mode_cls_token", "first")]
    [InlineData("pooling_mode_lasttoken", "last")]
    [InlineData("pooling_mode_max_tokens", null)]
    public void A_folder_says_how_to_pool(string mode, string? pooling)
    {
        _folder.File("config.json",
            $$"""{"model_type": "bert", "num_hidden_layers": {{Layers}}, "hidden_size": {{Width}}, "num_attention_heads": {{Heads}},"""
            + $$""" "intermediate_size": {{FeedForward}}, "vocab_size": {{Words.Length}}, "max_position_embeddings": {{Context}},"""
            + $$""" "type_vocab_size": 1, "layer_norm_eps": 1e-6, "hidden_act": "gelu", "attention_probs_dropout_prob": 0.1,"""
            + $$""" "position_embedding_type": "absolute"}""");
        string vocabulary = string.Join(',', Words.Select((word, id) => $"\"{word}\":{id}"));
        _folder.File("tokenizer.json", $$$"""
            {"added_tokens":[{"id":2,"content":"[CLS]","special":true},{"id":3,"content":"[SEP]","special":true}],"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},
             "post_processor":{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]},"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{{{{vocabulary}}}} } }
            """.Replace("\"vocab\":{{", "\"vocab\":{", StringComparison.Ordinal));
        var writer = new SafetensorsWriter();
        foreach ((string name, long[] shape) in Shapes()) writer.Add(HfName(name), shape, _weights[name]);
        writer.Write(Path.Combine(_folder.Path, "model.safetensors"));
        Directory.CreateDirectory(Path.Combine(_folder.Path, "1_Pooling"));
        File.WriteAllText(Path.Combine(_folder.Path, "1_Pooling", "config.json"),
            $$"""{"word_embedding_dimension": {{Width}}, "pooling_mode_mean_sqrt_len_tokens": false, "{{mode}}": true}""");
        if (pooling is null)
        {
            Assert.Contains("max_tokens", Assert.Throws<InvalidInputException>(() => Model.Load(_folder.Path)).Message,
                StringComparison.Ordinal);
            return;
        }
        File.WriteAllText(Path.Combine(_folder.Path, "sentence_bert_config.json"), """{"max_seq_length": 10, "do_lower_case": false}""");
        using Model model = Model.Load(_folder.Path, new ModelOptions { Compute = ComputeMode.Float32 });
        Same(Expected("a b c d", pooling), model.Embed("a b c d"));
        Assert.Equal((1, 2), (model.CountEmbeddingWindows("a b c d e a b c"), model.CountEmbeddingWindows("a b c d e a b c d")));
    }

    [Fact]
    public void A_decoder_that_names_its_pooling_is_a_sentence_encoder()
    {
        using Model decoder = Load(null);
        Assert.Throws<InvalidInputException>(() => decoder.Forward(new Batch()));
        NaiveTransformer naive = (Llama with { Vocabulary = Words.Length, Epsilon = 1e-6, Tied = true }).WithRandomWeights(3);
        string path = TinyHfModel.WriteGguf(naive, _folder, "qwen3", permutes: false, ("pooling_type", 3u));
        using Model model = Model.Load(path, new ModelOptions { Compute = ComputeMode.Float32 });
        int[] ids = [4, 7, 5, 3];
        double[] logits = naive.Logits(ids)[^Words.Length..]; // tied: embeddings times the last state
        float[] embedding = model.Embed(ids);
        double[] actual = [.. Enumerable.Range(0, Words.Length)
            .Select(id => embedding.Select((value, c) => value * naive.Weights["model.embed_tokens.weight"][id * naive.Width + c]).Sum())];
        double scale = logits[0] / actual[0];
        Assert.All(logits.Zip(actual), pair => Assert.Equal(pair.First, pair.Second * scale, 1e-3));
        Assert.True(scale > 0);
    }

    private Model Load(uint? pooling, string architecture = "bert")
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", architecture);
        foreach ((string key, uint value) in ((string, uint)[])[("block_count", Layers), ("context_length", Context),
            ("embedding_length", Width), ("feed_forward_length", FeedForward), ("attention.head_count", Heads)])
            writer.Add($"{architecture}.{key}", value);
        writer.Add(architecture + ".attention.layer_norm_epsilon", 1e-6f);
        writer.Add(architecture + ".attention.causal", false);
        if (pooling is { } type) writer.Add(architecture + ".pooling_type", type);
        writer.Add("tokenizer.ggml.model", "bert");
        writer.Add("tokenizer.ggml.tokens", Words.Select(word => word[0] == '[' ? word : "\u2581" + word).ToArray());
        writer.Add("tokenizer.ggml.token_type", Words.Select(word => word[0] == '[' ? 3 : 1).ToArray());
        writer.Add("tokenizer.ggml.unknown_token_id", 1u);
        writer.Add("tokenizer.ggml.cls_token_id", 2u);
        writer.Add("tokenizer.ggml.seperator_token_id", 3u);
        foreach ((string name, long[] shape) in Shapes().Where(tensor => _weights.ContainsKey(tensor.Name)))
            writer.AddTensor(name, TensorType.F32, shape, _weights[name]);
        for (int layer = 0; layer < Layers && Gated; layer++)
            writer.AddTensor($"blk.{layer}.ffn_gate.weight", TensorType.F32, [FeedForward, Width],
                _weights[$"blk.{layer}.ffn_gate.weight"]);
        string path = Path.Combine(_folder.Path, "bert.gguf");
        writer.Write(path);
        return Model.Load(path, new ModelOptions { Compute = ComputeMode.Float32 });
    }

    private bool Gated => _weights.ContainsKey("blk.0.ffn_gate.weight");

    private double[] Expected(string text, string pooling)
    {
        int[] ids = [2, .. text.Split(' ').Select(word => Array.IndexOf(Words, word)), 3];
        double[][] x =
            [.. ids.Select((id, t) =>
                Norm(Sum(Row("token_embd", id), Gated ? Row("token_types", 0) : Sum(Row("position_embd", t), Row("token_types", 0))),
                "token_embd_norm"))];
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"blk.{layer}.";
            double[][] attended = Attention(prefix, x);
            for (int t = 0; t < x.Length; t++)
            {
                double[] middle = Norm(Sum(x[t], Product(prefix + "attn_output", attended[t], Width)), prefix + "attn_output_norm");
                double[] up = Product(prefix + "ffn_up", middle, FeedForward);
                double[] inner = Gated
                    ? [.. Product(prefix + "ffn_gate", middle, FeedForward).Zip(up, (gate, value) => NaiveTransformer.Silu(gate) * value)]
                    : [.. up.Select(value => value * Normal(value))];
                x[t] = Norm(Sum(middle, Product(prefix + "ffn_down", inner, Width)), prefix + "layer_output_norm");
            }
        }
        return Unit(
            pooling switch
            {
                "first" =>
            x[0],
                "last" => x[^1],
                _ => [.. Enumerable.Range(0, Width).Select(c => x.Average(row => row[c]))]
            });
    }

    private double[][] Attention(string prefix, double[][] x)
    {
        const int size = Width / Heads;
        double[][] query = Turned(All("attn_q")), key = Turned(All("attn_k")), value = All("attn_v");
        return [.. x.Select((_, t) => Enumerable.Range(0, Heads).SelectMany(h =>
        {
            double[] weights =
                [.. x.Select((_, s) => Math.Exp(Enumerable.Range(h * size, size).Sum(c => query[t][c] * key[s][c]) / Math.Sqrt(size)))];
            return Enumerable.Range(h * size, size).Select(c => weights.Select((weight, s) => weight * value[s][c]).Sum() / weights.Sum());
        }).ToArray())];

        double[][] Turned(double[][] rows) =>
            !Gated ? rows
                : [.. rows.Select((row, t) =>
                row.Chunk(size).SelectMany(head => NaiveRotation.Plain(10000, size).Rotate(head, t)).ToArray())];

        double[][] All(string name) => [.. x.Select(row => Product(prefix + name, row, Width))];
    }

    private static IEnumerable<(string Name, long[] Shape)> Shapes()
    {
        foreach ((string name, long[] shape) in ((string, long[])[])[("token_embd", [Words.Length, Width]),
            ("position_embd", [Context, Width]), ("token_types", [1, Width])]) yield return (name + ".weight", shape);
        var norms = new List<string> { "token_embd_norm" };
        for (int layer = 0; layer < Layers; layer++)
        {
            norms.AddRange([$"blk.{layer}.attn_output_norm", $"blk.{layer}.layer_output_norm"]);
            foreach ((string name, int rows, int columns) in ((string, int, int)[])[("attn_q", Width, Width), ("attn_k", Width, Width),
                ("attn_v", Width, Width), ("attn_output", Width, Width), ("ffn_up", FeedForward, Width), ("ffn_down", Width, FeedForward)])
            {
                yield return ($"blk.{layer}.{name}.weight", [rows, columns]);
                yield return ($"blk.{layer}.{name}.bias", [rows]);
            }
        }
        foreach (string norm in norms)
        {
            yield return (norm + ".weight", [Width]);
            yield return (norm + ".bias", [Width]);
        }
    }

    private static string HfName(string name)
    {
        string[] parts = name.Split('.');
        string module = parts[^2] switch
        {
            "token_embd" => "embeddings.word_embeddings",
            "position_embd" => "embeddings.position_embeddings",
            "token_types" => "embeddings.token_type_embeddings",
            "token_embd_norm" => "embeddings.LayerNorm",
            "attn_q" => "attention.self.query",
            "attn_k" => "attention.self.key",
            "attn_v" => "attention.self.value",
            "attn_output" => "attention.output.dense",
            "attn_output_norm" => "attention.output.LayerNorm",
            "ffn_up" => "intermediate.dense",
            "ffn_down" => "output.dense",
            _ => "output.LayerNorm",
        };
        return (parts.Length == 4 ? $"encoder.layer.{parts[1]}." : "") + $"{module}.{parts[^1]}";
    }

    private double[] Row(string name, int row) =>
        [.. _weights[name + ".weight"].AsSpan(row * Width, Width).ToArray().Select(value => (double)value)];

    private double[] Product(string name, double[] x, int rows) =>
        [.. Enumerable.Range(0, rows)
            .Select(r =>
            x.Select((value, c) => value * _weights[name + ".weight"][r * x.Length + c]).Sum()
            + (_weights.GetValueOrDefault(name + ".bias")?[r] ?? 0))];

    private double[] Norm(double[] x, string name)
    {
        double mean = x.Average(), deviation = Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + 1e-6);
        return [.. x.Select((value, c) => (value - mean) / deviation * _weights[name + ".weight"][c] + _weights[name + ".bias"][c])];
    }

    /// <summary>The normal distribution up to x, summed up in small steps.</summary>
    private static double Normal(double x)
    {
        const int steps = 4000;
        double step = x / steps;
        return 0.5 + Enumerable.Range(0, steps).Sum(i => Math.Exp(-Math.Pow((i + 0.5) * step, 2) / 2)) * step / Math.Sqrt(2 * Math.PI);
    }

    private static double[] Unit(double[] x) => [.. x.Select(value => value / Math.Sqrt(x.Sum(other => other * other)))];

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double Distance(double[] a, double[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max();

    private static void Same(double[] expected, float[] actual) =>
        Assert.InRange(Distance(expected, [.. actual.Select(value => (double)value)]), 0, 1e-4);
}
