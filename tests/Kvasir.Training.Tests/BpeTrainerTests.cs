using Kvasir.Tokenization;
using Kvasir.Training.Data;

namespace Kvasir.Training.Tests;

public sealed class BpeTrainerTests
{
    private const string Text =
        "the cat sat on the mat, the rat ate the cat; 2024 and 2025: na\u00EFve caf\u00E9s, \u4E2D\u6587 \uD83D\uDE00 aaaa aaaaa";

    [Fact]
    public void The_most_frequent_pair_is_merged_first()
    {
        BpeVocabulary vocabulary = Train(
            "low low low low low lower lower newest newest newest newest newest newest widest widest widest", 300);
        // Sennrich's example, with a blank before each word but the first: e s (9), es t (9), Ġ n (6) before n e (6) by their ids …
        Assert.Equal(["e s", "es t"], vocabulary.Merges.Take(2));
        Assert.Equal(vocabulary.Tokens.Count, 1 + 256 + vocabulary.Merges.Count);
        Assert.Contains("\u0120newest", vocabulary.Tokens);
    }

    /// <summary>Counting all pairs of the whole text anew for each merge gives the same merges.</summary>
    [Theory]
    [InlineData(Text)]
    [InlineData("aaaaaaa aaaa aaa aa a abababab ababa aabbaabb")]
    public void Merges_are_those_of_counting_anew_each_time(string text)
    {
        var pieces = new PieceList();
        BpeVocabulary.PreTokenizer.Split(text, pieces);
        List<List<int>> words = [.. pieces.All.Select(piece => Encoding.UTF8.GetBytes(piece).Select(value => value + 1).ToList())];
        List<string> tokens = ["<|endoftext|>", .. BpeVocabulary.Bytes], merges = [];
        while (true)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair).Where(group => group.Count() > 1)
                .OrderByDescending(group => group.Count()).ThenBy(group => group.Key.First).ThenBy(group => group.Key.Second)
                .FirstOrDefault();
            if (best is null) break;
            merges.Add($"{tokens[best.Key.First]} {tokens[best.Key.Second]}");
            tokens.Add(tokens[best.Key.First] + tokens[best.Key.Second]);
            foreach (List<int> word in words)
                for (int at = 0; at + 1 < word.Count; at++)
                    if ((word[at], word[at + 1]) == best.Key)
                    {
                        word[at] = tokens.Count - 1;
                        word.RemoveAt(at + 1);
                    }
        }
        Assert.Equal(merges, Train(text, 1000).Merges);
    }

    [Fact]
    public void A_text_is_encoded_in_fewer_tokens_and_decoded_to_itself_even_where_it_has_new_characters()
    {
        Tokenizer tokenizer = Train(string.Concat(Enumerable.Repeat(Text, 5)), 320).ToTokenizer();
        foreach (string text in new[] { Text, "quite other words \u00FF\u2603 <|endoftext|>", "" })
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, parseSpecial: false)));
        Assert.True(tokenizer.Encode(Text).Length < Encoding.UTF8.GetByteCount(Text) * 0.7);
        Assert.Equal([0], tokenizer.Encode("<|endoftext|>"));
    }

    private static BpeVocabulary Train(string text, int size) => BpeTrainer.Train([text], size, [BpeVocabulary.EndOfText]);

    private sealed class PieceList : IPieceSink
    {
        public List<string> All { get; } = [];

        public void Add(ReadOnlySpan<char> piece) => All.Add(piece.ToString());
    }
}
