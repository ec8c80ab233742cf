using System.Text.RegularExpressions;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

/// <summary>The scanners against the published regular expressions, run stage by stage by the runtime.</summary>
public class PreTokenizerTests
{
    private const string Han = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";

    private static readonly Dictionary<string, string[]> s_patterns = new()
    {
        ["gpt-2"] = [PreTokenizers.Gpt2Pattern],
        ["smollm"] = [@"\p{N}", PreTokenizers.Gpt2Pattern],
        ["starcoder"] = [@"\p{N}", PreTokenizers.Gpt2Pattern],
        ["llama-bpe"] = [PreTokenizers.Llama3Pattern],
        ["qwen2"] = [PreTokenizers.Qwen2Pattern],
        ["tekken"] = [PreTokenizers.TekkenPattern],
        ["gpt-4o"] = [PreTokenizers.Gpt4oPattern],
        ["falcon"] = [@"[\p{P}\$\+<=>\^~\|`]+", PreTokenizers.Gpt2Pattern, "[0-9][0-9][0-9]"],
        ["default"] = [@"[\p{P}\$\+<=>\^~\|]+", PreTokenizers.Gpt2Pattern, @"\p{N}+", "[0-9][0-9][0-9]"],
        ["smaug-bpe"] = [PreTokenizers.Llama3Pattern],
        ["olmo"] = [PreTokenizers.Gpt2Pattern],
        ["exaone"] = [@"\p{N}", PreTokenizers.Gpt2Pattern],
        ["deepseek-coder"] = [@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", Han, @"\p{N}"],
        ["deepseek-llm"] = [@"[\r\n]", $@"\s?[{BasicRanges(PreTokenizers.DeepSeekLetters)}]+",
            "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+", @"\s+\z", Han, @"\p{N}+"],
        ["deepseek-v3"] = [@"\p{N}{1,3}", "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+", PreTokenizers.DeepSeek3WordPattern],
    };

    public static TheoryData<string> Names => [.. s_patterns.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Scanner_cuts_as_the_published_pattern(string name)
    {
        PreTokenizer scanner = PreTokenizers.ByName(name)!;
        Regex[] stages = [.. s_patterns[name]
            .Select(pattern =>
            new Regex(pattern.Replace("(?i:'s|", "(?i:'[s\u017F]|", StringComparison.Ordinal), RegexOptions.CultureInvariant))];
        var random = new Random(7);
        for (int round = 0; round < 4000; round++)
        {
            string text = RandomText.Mixed(random, random.Next(1, 24));
            Assert.Equal(stages.Aggregate(new List<string> { text }, Split), Pieces(scanner, text));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pieces_make_up_the_text(string name)
    {
        PreTokenizer scanner = PreTokenizers.ByName(name)!;
        var random = new Random(8);
        for (int round = 0; round < 500; round++)
        {
            string text = RandomText.Utf16(random, random.Next(1, 40));
            List<string> pieces = Pieces(scanner, text);
            Assert.Equal(text, string.Concat(pieces));
            Assert.DoesNotContain("", pieces);
        }
    }

    [Fact]
    public void Runs_of_spaces_do_not_look_over_a_digit()
    {
        Assert.Equal(["a", "   ", "1", "2", "  ", " b"], Pieces(PreTokenizers.ByName("smollm")!, "a   12   b"));
        Assert.Equal(["a", "  ", " 12", "  ", " b"], Pieces(PreTokenizers.ByName("gpt-2")!, "a   12   b"));
    }

    [Fact]
    public void A_known_pattern_gets_its_scanner_and_another_is_run()
    {
        Assert.IsType<WordScanner>(PreTokenizers.ByPattern(PreTokenizers.Llama3Pattern));
        PreTokenizer other = PreTokenizers.ByPattern(@"\p{Lu}\p{Ll}*|\d+");
        Assert.IsType<RegexSplitter>(other);
        Assert.Equal(["Ab", "C", "\U00010400\U00010428x", "12", "\u2014"], Pieces(other, "AbC\U00010400\U00010428x12\u2014"));
        Assert.Contains("(?<", Assert.Throws<InvalidInputException>(() => PreTokenizers.ByPattern("(?<")).Message,
            StringComparison.Ordinal);
    }

    private static List<string> Pieces(PreTokenizer preTokenizer, string text)
    {
        var sink = new Collector();
        preTokenizer.Split(text, sink);
        return sink.Pieces;
    }

    private static List<string> Split(List<string> pieces, Regex regex)
    {
        var cut = new List<string>();
        foreach (string piece in pieces)
        {
            // The runtime's expressions know no characters beyond the basic plane: show it a stand-in of the same category.
            string shown = new(RegexSplitter.StandIns(piece, out int[] starts));
            int gap = 0;
            foreach (Match match in regex.Matches(shown))
            {
                cut.Add(piece[gap..starts[match.Index]]);
                gap = starts[match.Index + match.Length];
                cut.Add(piece[starts[match.Index]..gap]);
            }
            cut.Add(piece[gap..]);
        }
        cut.RemoveAll(piece => piece.Length == 0);
        return cut;
    }

    private static string BasicRanges(string bounds)
    {
        int[] codes = [.. bounds.EnumerateRunes().Select(rune => rune.Value)];
        var pattern = new StringBuilder();
        for (int i = 0; i < codes.Length && codes[i + 1] <= 0xFFFF; i += 2)
        {
            pattern.Append($"\\u{codes[i]:X4}-\\u{codes[i + 1]:X4}");
        }
        return pattern.ToString();
    }

    private sealed class Collector : IPieceSink
    {
        public List<string> Pieces { get; } = [];

        public void Add(ReadOnlySpan<char> piece) => Pieces.Add(piece.ToString());
    }
}
