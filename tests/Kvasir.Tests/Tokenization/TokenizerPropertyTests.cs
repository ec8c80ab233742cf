using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

public class TokenizerPropertyTests
{
    [SkippableTheory]
    [InlineData("golden/engine/vocab/ggml-vocab-gpt-2.gguf", false)]
    [InlineData("golden/engine/vocab/ggml-vocab-llama-spm.gguf", true)]
    [InlineData("models/tiny/tiny-llama3.gguf", false)]
    [InlineData("models/tiny/tiny-gemma2.gguf", true)]
    [InlineData("models/tiny/tiny-phi3.gguf", true)]
    [InlineData("models/tiny/tiny-llama3-hf", false)]
    public void Decoding_gives_the_text_back(string model, bool sentencePiece)
    {
        Tokenizer tokenizer = GoldenTokenizers.Load(model);
        var random = new Random(11);
        for (int round = 0; round < 1500; round++)
        {
            string text = RandomText.Unicode(random, random.Next(0, 60)) + RandomText.Mixed(random, 5);
            // SentencePiece writes a space as U+2581, so that character itself comes back as a space.
            string expected = sentencePiece ? text.Replace('\u2581', ' ') : text;
            Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(text, parseSpecial: false)));
        }
    }

    [SkippableTheory]
    [InlineData("models/SmolLM2-135M-Instruct.Q4_1.gguf", "<|im_start|>", "<|im_end|>", "<|endoftext|>")]
    [InlineData("models/tiny/tiny-gemma2.gguf", "<start_of_turn>", "<bos>", "<0x41>")]
    [InlineData("models/tiny/tiny-llama3-hf", "<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>")]
    public void Plain_text_never_becomes_a_special_token(string model, params string[] names)
    {
        Tokenizer tokenizer = GoldenTokenizers.Load(model);
        var random = new Random(12);
        for (int round = 0; round < 500; round++)
        {
            var text = new StringBuilder();
            for (int i = 0; i < 6; i++)
            {
                string name = names[random.Next(names.Length)];
                text.Append(random.Next(3) == 0 ? name[random.Next(name.Length)..] : name).Append(RandomText.Mixed(random, random.Next(3)));
            }
            int[] ids = tokenizer.Encode(text.ToString(), parseSpecial: false);
            Assert.DoesNotContain(ids, tokenizer.IsSpecial);
            Assert.Equal(text.ToString().Replace('\u2581', ' '), tokenizer.Decode(ids).Replace('\u2581', ' '));
        }
    }

    [SkippableFact]
    public void Streaming_gives_the_same_text_and_cuts_no_character()
    {
        Tokenizer tokenizer = GoldenTokenizers.SmolLm();
        var random = new Random(13);
        for (int round = 0; round < 300; round++)
        {
            // Random ids are mostly ill-formed UTF-8; half the rounds take those of a text.
            int[] ids = round % 2 == 0
                ? [.. Enumerable.Range(0, 30).Select(_ => random.Next(tokenizer.VocabularySize))]
                : tokenizer.Encode(RandomText.Unicode(random, 30), parseSpecial: false);
            foreach (bool skip in (bool[])[true, false])
            {
                var stream = new TextStream(tokenizer, skip);
                string[] parts = [.. ids.Select(stream.Add), stream.Finish()];
                Assert.Equal(tokenizer.Decode(ids, skip), string.Concat(parts));
                Assert.All(parts, part =>
                    Assert.False(part.Length > 0 && (char.IsHighSurrogate(part[^1]) || char.IsLowSurrogate(part[0]))));
            }
        }
    }

    [SkippableFact]
    public void Threads_share_a_tokenizer()
    {
        Tokenizer tokenizer = GoldenTokenizers.Load("golden/engine/vocab/ggml-vocab-gpt-2.gguf");
        string[] texts = [.. Enumerable.Range(0, 64).Select(seed => RandomText.Mixed(new Random(seed), 400))];
        int[][] expected = [.. texts.Select(text => tokenizer.Encode(text))];
        Parallel.For(0, 256, i => Assert.Equal(expected[i % 64], tokenizer.Encode(texts[i % 64])));
    }

    [SkippableTheory]
    [InlineData("models/SmolLM2-135M-Instruct.Q4_1.gguf")]
    [InlineData("golden/engine/vocab/ggml-vocab-llama-spm.gguf")]
    [InlineData("golden/engine/vocab/ggml-vocab-bert-bge.gguf")]
    [InlineData("golden/engine/vocab/ggml-vocab-qwen2.gguf")]
    public void A_megabyte_without_a_space_is_encoded_in_seconds(string model)
    {
        Tokenizer tokenizer = GoldenTokenizers.Load(model);
        foreach (string text in (string[])[new string('a', 1 << 20), new string('\u0301', 1 << 18), new string(' ', 1 << 18),
            new string('<', 1 << 18), new string('7', 1 << 18)])
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            tokenizer.Encode(text);
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"'{text[0]}' took {clock.Elapsed}");
        }
    }

    [SkippableFact]
    public void Identity_follows_the_vocabulary()
    {
        string smollm = GoldenTokenizers.SmolLm().Identity;
        Assert.Equal(64, smollm.Length);
        using ModelFile file = ModelFiles.Open(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        Assert.Equal(smollm, Tokenizer.Load(file).Identity);
        Assert.NotEqual(smollm, GoldenTokenizers.Load("golden/engine/vocab/ggml-vocab-starcoder.gguf").Identity);
        Assert.NotEqual(GoldenTokenizers.Load("models/tiny/tiny-llama3.gguf").Identity,
            GoldenTokenizers.Load("models/tiny/tiny-qwen2.gguf").Identity);
    }

    [SkippableFact]
    public void Generation_ends_at_end_of_text_and_end_of_turn()
    {
        Tokenizer smollm = GoldenTokenizers.SmolLm();
        Assert.True(smollm.IsEndOfGeneration(smollm.EndOfText));
        Assert.True(smollm.IsEndOfGeneration(smollm.Find("<|endoftext|>")));
        Assert.False(smollm.IsEndOfGeneration(smollm.Find("<|im_start|>")));
        Assert.False(smollm.IsEndOfGeneration(-1));
        Tokenizer llama = GoldenTokenizers.Load("models/tiny/tiny-llama3.gguf");
        Assert.True(llama.IsEndOfGeneration(llama.Find("<|eot_id|>")));
        Tokenizer gemma = GoldenTokenizers.Load("models/tiny/tiny-gemma2.gguf");
        Assert.True(gemma.IsEndOfGeneration(gemma.Find("<end_of_turn>")));
        Assert.False(gemma.IsEndOfGeneration(gemma.Find("<start_of_turn>")));
    }
}
