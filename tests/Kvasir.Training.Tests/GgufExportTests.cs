using Kvasir.Cache;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Quantization;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Tests;

public sealed class GgufExportTests : IDisposable
{
    private const string Text =
        "The engine reads what the trainer writes, word for word; the trainer writes what it has learned, number for number.";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Two programs that share the small kernels only: the trainer's is the oracle of the engine's.</summary>
    [Theory]
    [InlineData(6, true)]
    [InlineData(2, true)]
    [InlineData(4, false)]
    public void The_engine_gives_the_logits_of_the_trainer(int keySize, bool tied)
    {
        BpeVocabulary vocabulary = BpeTrainer.Train([Text], 290, [BpeVocabulary.EndOfText]);
        LlamaShape shape = TinyTraining.Shape with
        {
            Vocabulary = vocabulary.Tokens.Count,
            KeySize = keySize,
            Tied = tied,
            Width = 32,
            FeedForward = 64,
            Context = 64,
        };
        LlamaParameters parameters = LlamaParameters.Initial(shape, 1);
        foreach (Parameter parameter in parameters.All)
            new SeededRandom(7, 0).FillNormal(parameter.Values, parameter.IsVector ? 1 : 0.3);
        int[] ids = vocabulary.ToTokenizer().Encode(Text);
        LlamaModel model = TinyTraining.Model(shape, parameters, 1, ids.Length, trains: false);
        using var crew = new Crew(2);
        crew.Run(worker =>
        {
            model.Forward(worker, ids);
            model.Select(worker, [.. ids.Select(_ => 1f)]);
            model.Project(worker, new RowRange(0, ids.Length));
        });
        string path = Path.Combine(_folder.Path, "trained.gguf");
        GgufExport.Write(path, shape, parameters, vocabulary, TensorType.F32);
        using Model engine = Model.Load(path, new ModelOptions { Compute = ComputeMode.Float32 });
        Assert.Equal(ids, engine.Tokenizer.Encode(Text));
        using KvCache cache = engine.NewCache(KvPolicy.Parse("k=f32,v=f32"));
        using var batch = new Batch();
        batch.Add(cache, ids, LogitRows.All);
        engine.Forward(batch);
        double spread = 0;
        for (int row = 0; row < ids.Length; row++)
            for (int id = 0; id < shape.Vocabulary; id++)
            {
                Assert.Equal(model.Logits(row)[id], batch.Logits(row)[id], 1e-4);
                spread = Math.Max(spread, Math.Abs(model.Logits(row)[id]));
            }
        Assert.InRange(spread, 0.5, 50);
    }

    [Theory]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.Q8_0)]
    public void Metadata_and_tensors_have_the_names_and_sizes_of_llama_models(TensorType type)
    {
        BpeVocabulary vocabulary = BpeTrainer.Train([Text], 270, [BpeVocabulary.EndOfText]);
        LlamaShape shape = TinyTraining.Shape with
        {
            Vocabulary = vocabulary.Tokens.Count,
            Width = 32,
            FeedForward = 48,
            KeySize = 8,
            ValueSize = 8,
        };
        string path = Path.Combine(_folder.Path, "small.gguf");
        GgufExport.Write(path, shape, LlamaParameters.Initial(shape, 1), vocabulary, type);
        using ModelFile file = ModelFiles.Open(path);
        Assert.Equal("llama", file.Require<string>("general.architecture"));
        Assert.Equal((32, 2, 4, 2, 48, 8), (file.Require<int>("llama.embedding_length"), file.Require<int>("llama.block_count"),
            file.Require<int>("llama.attention.head_count"), file.Require<int>("llama.attention.head_count_kv"),
            file.Require<int>("llama.feed_forward_length"), file.Require<int>("llama.rope.dimension_count")));
        string[] names = ["attn_k", "attn_norm", "attn_output", "attn_q", "attn_v", "ffn_down", "ffn_gate", "ffn_norm", "ffn_up"];
        IEnumerable<string> expected = new[] { 0, 1 }.SelectMany(layer => names.Select(name => $"blk.{layer}.{name}.weight"));
        Assert.Equal([.. expected, "output_norm.weight", "token_embd.weight"], file.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(type, file.RequireTensor("blk.0.attn_q.weight").Type);
        // Rows of 48 are no whole blocks of 32.
        Assert.Equal(TensorType.F16, file.RequireTensor("blk.0.ffn_down.weight").Type);
        Assert.Equal(TensorType.F32, file.RequireTensor("output_norm.weight").Type);
    }
}
