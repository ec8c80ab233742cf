using System.Text.Json.Nodes;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

/// <summary>Corners of tokenizer.json, with the ids that Hugging Face's tokenizers gives.</summary>
public sealed class JsonTokenizerCornerTests : IDisposable
{
    private const string ByteLevel = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false,"trim_offsets":true}""";

    private const string Marks = """{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true, "abxyb", new[] { 1, 2, 0, 2 })]
    [InlineData(false, "abxyb", new[] { 1, 2, 0, 0, 2 })]
    [InlineData(true, "x yx", new[] { 0, 3, 0 })]
    public void Unknown_characters_fuse_where_the_file_says(bool fuses, string text, int[] ids)
    {
        JsonObject root = Root("BPE", """{"<unk>":0,"a":1,"b":2,"\u2581":3}""", normalizer: Marks, preTokenizer: "null");
        root["model"]!["unk_token"] = "<unk>";
        root["model"]!["fuse_unk"] = fuses;
        Assert.Equal(ids, Encode(root, text));
    }

    [Fact]
    public void Characters_that_nothing_stands_for_do_not_keep_their_neighbours_apart()
    {
        JsonObject root = Root("BPE", """{"a":0,"b":1,"ab":2}""", preTokenizer: "null");
        root["model"]!["merges"] = JsonNode.Parse("""["a b"]""");
        Assert.Equal([2], Encode(root, "axb"));
    }

    [Fact]
    public void Unknown_token_that_was_not_added_is_not_looked_for()
    {
        JsonObject root = Root("BPE", """{"<u>":0,"<":1,">":2,"u":3}""", normalizer: Marks, preTokenizer: "null");
        root["model"]!["unk_token"] = "<u>";
        Assert.Equal([1, 3, 2, 0], Encode(root, "<u>x"));
        root["added_tokens"] = Added("""{"id":0,"content":"<u>","special":true}""");
        Assert.Equal([0, 0], Encode(root, "<u>x"));
    }

    [Fact]
    public void Special_token_of_the_vocabulary_can_be_merged()
    {
        JsonObject root = Root("BPE", """{"a":0,"b":1,"ab":2,"abb":3,"!":4}""", preTokenizer: ByteLevel);
        root["model"]!["merges"] = JsonNode.Parse("""["a b","ab b"]""");
        root["added_tokens"] = Added(
            """{"id":2,"content":"ab","special":true,"single_word":true}""", """{"id":4,"content":"!","special":true}""");
        Assert.Equal([3, 4], Encode(root, "abb!"));
        Assert.Equal([2, 4], Load(root).Encode("ab!", parseSpecial: false));
    }

    [Fact]
    public void Added_token_beside_the_vocabulary_is_not_a_piece()
    {
        JsonObject root = Root("BPE", """{"a":0,"b":1,".":2}""", preTokenizer: ByteLevel);
        root["pre_tokenizer"]!["use_regex"] = true;
        root["model"]!["ignore_merges"] = true;
        root["added_tokens"] = Added("""{"id":3,"content":"ab","single_word":true}""");
        Assert.Equal([0, 1, 2, 3], Encode(root, "aab.ab")[1..]);
    }

    [Theory]
    [InlineData("<r>  \n\na", new[] { 2, 3, 0 })]
    [InlineData("<r>\n\n\na", new[] { 2, 3, 1, 0 })]
    public void White_space_that_one_token_takes_in_may_begin_another(string text, int[] ids)
    {
        JsonObject root = Root("BPE", """{"a":0,"\u010A":1}""", preTokenizer: ByteLevel);
        root["added_tokens"] = Added(
            """{"id":2,"content":"<r>","special":true,"rstrip":true}""", """{"id":3,"content":"\n\n","normalized":false}""");
        Assert.Equal(ids, Encode(root, text));
    }

    [Fact]
    public void Marked_spaces_are_no_white_space_to_take_in()
    {
        JsonObject root = Root("BPE", """{"a":0,"\u2581":1,"\n":2}""", normalizer: Marks, preTokenizer: "null");
        root["added_tokens"] = Added("""{"id":3,"content":"<n>","normalized":true,"lstrip":true,"rstrip":true}""");
        Assert.Equal([0, 1, 3, 1, 0], Encode(root, "a <n> a"));
        Assert.Equal([0, 1, 3, 0], Encode(root, "a \n<n>\na"));
    }

    [Theory]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"\u2581","""
        + """ "prepend_scheme":"always","split":true}]}""", "a ab a", new[] { 2, 2, 1, 2 })]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"Punctuation"},{"type":"Metaspace","replacement":"\u2581","""
        + """ "prepend_scheme":"always","split":true}]}""", "a-ab", new[] { 2, 3, 4, 2, 1 })]
    public void Metaspace_marks_every_piece_of_the_stage_before(string preTokenizer, string text, int[] ids)
    {
        JsonObject root = Root("BPE", """{"a":0,"b":1,"\u2581a":2,"\u2581":3,"-":4}""", preTokenizer: preTokenizer);
        root["model"]!["merges"] = JsonNode.Parse("""["\u2581 a"]""");
        Assert.Equal(ids, Encode(root, text));
    }

    [Fact]
    public void Byte_level_after_other_stages_puts_its_space_before_every_piece()
    {
        string preTokenizer = """{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},"""
            + ByteLevel.Replace("\"add_prefix_space\":false", "\"add_prefix_space\":true", StringComparison.Ordinal) + "]}";
        JsonObject root = Root("BPE", """{"a":0,"1":1,"\u0120":2}""", preTokenizer: preTokenizer);
        Assert.Equal([2, 0, 2, 1, 2, 1, 2, 0], Encode(root, "a11 a"));
    }

    [Theory]
    [InlineData("""{"type":"Lowercase"}""", "A\u0130", new[] { 0, 2, 3 })]
    [InlineData("""{"type":"StripAccents"}""", "a\u093Ea\u0307\u20DD", new[] { 0, 0 })]
    [InlineData("""{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":true,"lowercase":true}""",
        "a\u093Ea\u0307", new[] { 0, 4, 0 })]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":true}""", "\n a\u3000", new[] { 0 })]
    [InlineData("""{"type":"Strip","strip_left":false,"strip_right":true}""", " a ", new[] { 5, 0 })]
    [InlineData("""{"type":"Prepend","prepend":"\u2581"}""", "a", new[] { 6, 0 })]
    public void Normalizers_do_what_their_authors_do(string normalizer, string text, int[] ids)
    {
        string[] texts = ["a", "b", "i", "\u0307", "\u093E", " ", "\u2581"];
        JsonObject root = Root("BPE", "{}", normalizer, ByteLevel);
        root["model"]!["vocab"] = new JsonObject(texts.Select((one, id) => KeyValuePair.Create(
            new string(TokenSpellings.ByteLevel(one)), (JsonNode?)id)).Concat("\u00CC\u0129\u00E0\u00A4\u00BE\u00E2\u0138\u0123"
            .Select((one, index) => KeyValuePair.Create(one.ToString(), (JsonNode?)(texts.Length + index)))));
        root["model"]!["merges"] = new JsonArray(
            new JsonArray("\u00CC", "\u0129"), new JsonArray("\u00E0", "\u00A4"), new JsonArray("\u00E0\u00A4", "\u00BE"),
            new JsonArray("\u00E2", "\u0138"), new JsonArray("\u00E2\u0138", "\u0123"));
        root["model"]!["vocab"]!["\u00E0\u00A4"] = 20;
        root["model"]!["vocab"]!["\u00E2\u0138"] = 21;
        Assert.Equal(ids, Encode(root, text));
    }

    [Fact]
    public void Word_pieces_find_added_words_anywhere()
    {
        JsonObject root = Root("WordPiece", """{"[UNK]":0,"a":1,"##b":2}""", """{"type":"Lowercase"}""", """{"type":"BertPreTokenizer"}""");
        root["model"]!["unk_token"] = "[UNK]";
        root["added_tokens"] = Added("""{"id":3,"content":"Covid","normalized":true}""", """{"id":4,"content":"<x>","normalized":true}""");
        Assert.Equal([3, 1, 2, 4, 1], Encode(root, "covid AB<x>a"));
    }

    [Fact]
    public void Word_that_holds_a_space_is_not_two_words()
    {
        JsonObject root = Root("WordPiece", """{"[UNK]":0,"a":1,"##b":2}""", "null", """{"type":"Punctuation","behavior":"Isolated"}""");
        root["model"]!["unk_token"] = "[UNK]";
        Assert.Equal([0], Encode(root, "a a"));
        Assert.Equal([1, 2], Encode(root, "ab"));
    }

    [Theory]
    [InlineData("(a+)+b")]
    [InlineData("(a+)+b|a")]
    public void Pattern_that_never_ends_is_refused_in_a_few_seconds(string pattern)
    {
        JsonObject root = Root("BPE", """{"a":0}""");
        root["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { ["Regex"] = pattern },
            ["behavior"] = "Isolated",
        };
        Tokenizer tokenizer = Load(root);
        long started = Stopwatch.GetTimestamp();
        Assert.Contains("takes too long", Assert.Throws<InvalidInputException>(() => tokenizer.Encode(new string('a', 200))).Message,
            StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(8));
    }

    private static JsonObject Root(string type, string vocabulary, string normalizer = "null", string preTokenizer = "null") =>
        new()
        {
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = JsonNode.Parse(normalizer),
            ["pre_tokenizer"] = JsonNode.Parse(preTokenizer),
            ["model"] = new JsonObject { ["type"] = type, ["vocab"] = JsonNode.Parse(vocabulary), ["merges"] = new JsonArray() },
        };

    private static JsonArray Added(params string[] tokens) => new([.. tokens.Select(token => JsonNode.Parse(token))]);

    private int[] Encode(JsonObject root, string text) => Load(root).Encode(text);

    private Tokenizer Load(JsonObject root) =>
        Tokenizer.Load(new MetadataFile(new Dictionary<string, object>(), _folder.File("tokenizer.json", root.ToJsonString())));
}
