using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

public class GgufTokenizerTests
{
    [Theory]
    [InlineData("model", "rwkv", "rwkv")]
    [InlineData("model", 7L, "model")]
    [InlineData("pre", "who-knows", "who-knows")]
    [InlineData("tokens", null, "tokens")]
    [InlineData("merges", null, "merges")]
    [InlineData("bos_token_id", 4L, "bos_token_id 4")]
    [InlineData("eos_token_id", -7L, "eos_token_id -7")]
    [InlineData("eot_token_id", long.MaxValue, "eot_token_id")]
    public void What_cannot_be_read_is_refused_by_name(string key, object? value, string named)
    {
        Dictionary<string, object> metadata = ByteLevel();
        metadata.Remove("tokenizer.ggml." + key);
        if (value is not null)
        {
            metadata["tokenizer.ggml." + key] = value;
        }
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => Load(metadata)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_that_do_not_fit_the_vocabulary_are_refused()
    {
        foreach ((string key, object value) in ((string, object)[])[
            ("tokens", Array.Empty<string>()), ("token_type", new long[] { 1 }), ("token_type", new long[] { 1, 1, 1, 9 }),
            ("merges", new[] { "ab" }), ("merges", new[] { "" }), ("merges", new[] { "a " }), ("merges", new[] { "a c" })])
        {
            Dictionary<string, object> metadata = ByteLevel();
            metadata["tokenizer.ggml." + key] = value;
            Assert.Throws<InvalidInputException>(() => Load(metadata));
        }
        Dictionary<string, object> scored = SentencePiece(["<unk>", "a"], [0]);
        Assert.Contains("scores", Assert.Throws<InvalidInputException>(() => Load(scored)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("default")]
    [InlineData("smaug-bpe")]
    [InlineData("dbrx")]
    [InlineData("falcon3")]
    [InlineData("jina-v2-de")]
    [InlineData("stablelm2")]
    [InlineData("superbpe")]
    [InlineData("poro-chat")]
    [InlineData("bailingmoe")]
    public void Names_of_the_same_pre_tokenizers_load(string? name)
    {
        Dictionary<string, object> metadata = ByteLevel();
        metadata.Remove("tokenizer.ggml.pre");
        if (name is not null) metadata["tokenizer.ggml.pre"] = name;
        Assert.Equal([3, 1], Load(metadata).Encode("abb"));
    }

    [Fact]
    public void An_absent_id_may_be_written_as_minus_one()
    {
        Dictionary<string, object> metadata = ByteLevel();
        metadata["tokenizer.ggml.bos_token_id"] = (long)uint.MaxValue;
        metadata["tokenizer.ggml.add_bos_token"] = true;
        Tokenizer tokenizer = Load(metadata);
        Assert.Equal(-1, tokenizer.BeginOfText);
        Assert.False(tokenizer.AddsBeginOfText);
        Assert.Equal([3, 1], tokenizer.Encode("abb", addSpecial: true));
    }

    [Fact]
    public void An_id_outside_the_vocabulary_is_refused()
    {
        Tokenizer tokenizer = Load(ByteLevel());
        Assert.Contains("token id 4", Assert.Throws<InvalidInputException>(() => tokenizer.Decode([4])).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => { tokenizer.Bytes(-1); });
        Assert.Throws<InvalidInputException>(() => new TextStream(tokenizer).Add(99));
    }

    [Fact]
    public void Sentence_piece_merges_best_score_first()
    {
        var random = new Random(31);
        for (int round = 0; round < 300; round++)
        {
            // Some single characters are no tokens though longer tokens contain them.
            string[] tokens = [.. Enumerable.Range(0, 14).Select(_ => Letters(random, random.Next(1, 5))).Distinct(StringComparer.Ordinal)];
            double[] scores = [.. tokens.Select(_ => -(double)random.Next(6))];
            Tokenizer tokenizer = Load(SentencePiece(["<unk>", .. tokens], [0, .. scores]));
            string text = Letters(random, 12);
            IEnumerable<int> expected = MergeByScore(tokens, scores, text).Select(piece => Array.IndexOf(tokens, piece) + 1);
            Assert.Equal(expected, tokenizer.Encode(text));
        }
    }

    [Fact]
    public void An_endless_token_and_odd_scores_do_no_harm()
    {
        Assert.Contains("token 1 ",
            Assert.Throws<InvalidInputException>(() => Load(SentencePiece(["<unk>", new string('a', 5000)], [0, 0]))).Message,
            StringComparison.Ordinal);
        Tokenizer tokenizer = Load(
            SentencePiece(["<unk>", "a", "b", "ab", "ba"], [0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.NaN]));
        Assert.Equal("abba", tokenizer.Decode(tokenizer.Encode("abba")));
    }

    [Fact]
    public void Words_longer_than_a_hundred_characters_are_unknown_to_word_piece()
    {
        Tokenizer tokenizer = Load(new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "bert",
            ["tokenizer.ggml.tokens"] = new[] { "[UNK]", "\u2581a", "a", "\u2581!" },
            ["tokenizer.ggml.token_type"] = new[] { 3L, 1, 1, 1 },
            ["tokenizer.ggml.unknown_token_id"] = 0L,
        });
        Assert.Equal([1, .. Enumerable.Repeat(2, 99), 3], tokenizer.Encode(new string('a', 100) + "!"));
        Assert.Equal([0, 3, 1], tokenizer.Encode(new string('a', 101) + "! \u00C1"));
        Assert.Equal([0, 1], tokenizer.Encode("ab A"));
        Assert.Equal("aa ! a", tokenizer.Decode([1, 2, 3, 1]));
    }

    private static IEnumerable<string> MergeByScore(string[] tokens, double[] scores, string text)
    {
        var pieces = text.Select(letter => letter.ToString()).ToList();
        while (true)
        {
            int best = -1;
            double score = double.NegativeInfinity;
            for (int i = 0; i + 1 < pieces.Count; i++)
            {
                int id = Array.IndexOf(tokens, pieces[i] + pieces[i + 1]);
                if (id >= 0 && scores[id] > score)
                {
                    (best, score) = (i, scores[id]);
                }
            }
            if (best < 0)
            {
                return pieces;
            }
            pieces[best] += pieces[best + 1];
            pieces.RemoveAt(best + 1);
        }
    }

    private static string Letters(Random random, int length)
    {
        var text = new StringBuilder();
        while (length-- > 0)
        {
            text.Append("abc\u00E9"[random.Next(4)]);
        }
        return text.ToString();
    }

    private static Dictionary<string, object> ByteLevel() => new()
    {
        ["tokenizer.ggml.model"] = "gpt2",
        ["tokenizer.ggml.pre"] = "gpt-2",
        ["tokenizer.ggml.tokens"] = new[] { "a", "b", "\u0120", "ab" },
        ["tokenizer.ggml.merges"] = new[] { "a b" },
    };

    private static Dictionary<string, object> SentencePiece(string[] tokens, double[] scores) => new()
    {
        ["tokenizer.ggml.model"] = "llama",
        ["tokenizer.ggml.tokens"] = tokens,
        ["tokenizer.ggml.scores"] = scores,
        ["tokenizer.ggml.token_type"] = tokens.Select((_, id) => id == 0 ? 2L : 1L).ToArray(),
        ["tokenizer.ggml.unknown_token_id"] = 0L,
        ["tokenizer.ggml.add_space_prefix"] = false,
    };

    private static Tokenizer Load(Dictionary<string, object> metadata)
    {
        using var file = new MetadataFile(metadata);
        return Tokenizer.Load(file);
    }
}
