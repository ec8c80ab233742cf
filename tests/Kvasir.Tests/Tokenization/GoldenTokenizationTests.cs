using System.Security.Cryptography;
using System.Text.Json;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

public class GoldenTokenizationTests
{
    [SkippableFact]
    public void Smollm_strings_have_the_reference_ids()
    {
        JsonElement golden = GoldenTokenizers.Json("golden/engine/tokenizer/smollm.json");
        Tokenizer tokenizer = GoldenTokenizers.SmolLm();
        Assert.Equal(golden.GetProperty("vocab_size").GetInt32(), tokenizer.VocabularySize);
        foreach (JsonElement item in golden.GetProperty("strings").EnumerateArray())
        {
            string text = item.Text("text");
            Check(item.Ids("ids"), tokenizer.Encode(text, parseSpecial: false), text);
            Check(item.Ids("ids_parse_special"), tokenizer.Encode(text), text);
            if (!item.TryGetProperty("lossless", out JsonElement lossless) || lossless.GetBoolean())
            {
                Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, parseSpecial: false)));
            }
        }
        foreach (JsonElement item in golden.GetProperty("chat").EnumerateArray())
        {
            Check(item.Ids("ids"), tokenizer.Encode(item.Text("text")), item.Text("text"));
        }
    }

    [SkippableFact]
    public void Smollm_ids_decode_to_the_reference_bytes()
    {
        JsonElement golden = GoldenTokenizers.Json("golden/engine/tokenizer/smollm.json");
        Tokenizer tokenizer = GoldenTokenizers.SmolLm();
        foreach (JsonElement item in golden.GetProperty("detokenize").EnumerateArray())
        {
            int[] ids = item.Ids("ids");
            Assert.Equal(item.Text("bytes_hex"), Convert.ToHexStringLower([.. ids.SelectMany(id => tokenizer.Bytes(id).ToArray())]));
            Assert.Equal(item.Text("text_replace"), tokenizer.Decode(ids));
            var stream = new TextStream(tokenizer, skipSpecial: false);
            Assert.Equal(item.Text("text_replace"), string.Concat(ids.Select(stream.Add)) + stream.Finish());
        }
        foreach (JsonElement item in golden.GetProperty("token_bytes").EnumerateArray())
        {
            string[] bytes = [.. item.GetProperty("token_bytes_hex").EnumerateArray().Select(hex => hex.GetString()!)];
            Assert.Equal(bytes, item.Ids("ids").Select(id => Convert.ToHexStringLower(tokenizer.Bytes(id))));
        }
    }

    [SkippableFact]
    public void A_whole_file_has_the_reference_ids()
    {
        JsonElement file = GoldenTokenizers.Json("golden/engine/tokenizer/smollm.json").GetProperty("files")[0];
        string text = File.ReadAllText(SharedData.Require("data/" + file.Text("file")));
        int[] ids = GoldenTokenizers.SmolLm().Encode(text, parseSpecial: false);
        Assert.Equal(file.Ids("first_16"), ids[..16]);
        Assert.Equal(file.GetProperty("n_tokens").GetInt32(), ids.Length);
        Assert.Equal(file.Text("ids_sha256"), Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids))));
    }

    [SkippableTheory]
    [InlineData("llama-spm")]
    [InlineData("gpt-2")]
    [InlineData("starcoder")]
    [InlineData("qwen2")]
    [InlineData("bert-bge")]
    public void Vocabulary_files_have_the_reference_ids(string name)
    {
        string file = $"golden/engine/vocab/ggml-vocab-{name}.gguf";
        Tokenizer tokenizer = GoldenTokenizers.Load(file);
        string[] texts = File.ReadAllText(SharedData.Require(file + ".inp"), Encoding.UTF8).Split("\n__ggml_vocab_test__\n")[..^1];
        string[] lines = File.ReadAllLines(SharedData.Require(file + ".out"));
        Assert.Equal(46, texts.Length);
        for (int i = 0; i < texts.Length; i++)
        {
            Check([.. lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)],
                tokenizer.Encode(texts[i], parseSpecial: false), texts[i]);
        }
        foreach (JsonElement item in GoldenTokenizers.Json("golden/engine/vocab/extra.json").GetProperty(name).EnumerateArray())
        {
            string text = item.Text("text");
            bool authors = item.TryGetProperty("hf_ids", out _);
            Check(item.Ids(authors ? "hf_ids" : "ids"), tokenizer.Encode(text, parseSpecial: false), text);
            if (!authors)
            {
                Check(item.Ids("ids_add_parse_special"), tokenizer.Encode(text, parseSpecial: true, addSpecial: true), text);
            }
        }
    }

    [SkippableTheory]
    [InlineData("tiny-llama3")]
    [InlineData("tiny-qwen2")]
    [InlineData("tiny-gemma2")]
    [InlineData("tiny-phi3")]
    [InlineData("tiny-gpt2")]
    public void Tiny_models_have_the_reference_ids(string name)
    {
        Tokenizer tokenizer = GoldenTokenizers.Load($"models/tiny/{name}.gguf");
        foreach (JsonElement item in GoldenTokenizers.Json($"golden/models/{name}.json").GetProperty("strings").EnumerateArray())
        {
            string text = item.Text("text");
            Check(item.Ids("ids"), tokenizer.Encode(text, parseSpecial: false), text);
            Check(item.Ids("ids_add_parse_special"), tokenizer.Encode(text, parseSpecial: true, addSpecial: true), text);
        }
    }

    [SkippableFact]
    public void Sentences_for_embedding_have_the_reference_ids()
    {
        Tokenizer tokenizer = GoldenTokenizers.Load("models/all-MiniLM-L6-v2.q8_0.gguf");
        foreach (JsonElement item in GoldenTokenizers.Json("golden/engine/embeddings/minilm.json").GetProperty("sentences")
            .EnumerateArray())
        {
            int[] ids = item.Ids("ids");
            int[] actual = tokenizer.Encode(item.Text("text"), addSpecial: true);
            Check(ids, actual.Length > 256 ? [.. actual[..255], tokenizer.EndOfText] : actual, item.Text("text"));
        }
    }

    [SkippableFact]
    public void Tokenizer_json_has_the_reference_ids()
    {
        Tokenizer tokenizer = GoldenTokenizers.Load("models/tiny/tiny-llama3-hf");
        foreach (JsonElement item in GoldenTokenizers.Json("golden/models/tiny-llama3-hf.json").GetProperty("strings").EnumerateArray())
        {
            Check(item.Ids("ids"), tokenizer.Encode(item.Text("text"), addSpecial: true), item.Text("text"));
        }
        Assert.Equal("<|begin_of_text|>", tokenizer.Decode([tokenizer.BeginOfText]));
        Assert.Equal("<|end_of_text|>", tokenizer.Decode([tokenizer.EndOfText]));
        Assert.True(tokenizer.AddsBeginOfText);
        Assert.True(tokenizer.IsEndOfGeneration(tokenizer.Find("<|eot_id|>")));
    }

    private static void Check(int[] expected, int[] actual, string text) =>
        Assert.True(expected.AsSpan().SequenceEqual(actual),
            $"'{text}': expected {string.Join(' ', expected)}, got {string.Join(' ', actual)}");
}
