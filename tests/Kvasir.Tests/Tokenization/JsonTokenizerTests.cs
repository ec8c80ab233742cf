using System.Text.Json.Nodes;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

/// <summary>The vocabularies of GGUF files written as tokenizer.json must give the same ids.</summary>
public sealed class JsonTokenizerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-tokenizer").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData("models/SmolLM2-135M-Instruct.Q4_1.gguf",
        """{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false,"""
            + """ "trim_offsets":true,"use_regex":true}]}""", "null")]
    [InlineData("models/tiny/tiny-qwen2.gguf",
        """{"type":"Sequence","pretokenizers":[{"type":"Split","""
            + """ "pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}""", """{"type":"NFC"}""")]
    [InlineData("models/tiny/tiny-gpt2.gguf", """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true}""", "null")]
    public void Byte_level_gives_the_ids_of_the_gguf(string gguf, string preTokenizer, string normalizer)
    {
        using ModelFile file = ModelFiles.Open(SharedData.Require(gguf));
        JsonObject root = Root(file, preTokenizer, normalizer, text => text);
        root["model"]!["merges"] =
            new JsonArray(
                [.. file.Require<string[]>("tokenizer.ggml.merges")
                .Select((merge, i) => i % 2 == 0 ? (JsonNode)merge : new JsonArray([.. merge.Split(' ').Select(part => (JsonNode)part)]))]);
        Same(Tokenizer.Load(file), Load(root));
    }

    [SkippableTheory]
    [InlineData("models/tiny/tiny-gemma2.gguf", """{"type":"Replace","pattern":{"String":" "},"content":"▁"}""",
        """{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}""")]
    [InlineData("models/tiny/tiny-phi3.gguf",
        """{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"""
            + """ "content":"▁"}]}""", "null")]
    [InlineData("golden/engine/vocab/ggml-vocab-llama-spm.gguf",
        """{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"""
            + """ "content":"▁"}]}""", "null")]
    public void Character_level_gives_the_ids_of_the_gguf(string gguf, string normalizer, string preTokenizer)
    {
        using ModelFile file = ModelFiles.Open(SharedData.Require(gguf));
        JsonObject root = Root(file, preTokenizer, normalizer, text => text);
        root["model"]!["byte_fallback"] = true;
        root["model"]!["unk_token"] = "<unk>";
        string[] texts = file.Require<string[]>("tokenizer.ggml.tokens");
        double[] scores = file.Require<double[]>("tokenizer.ggml.scores");
        long[] kinds = file.Require<long[]>("tokenizer.ggml.token_type");
        var normal = texts.Where((_, id) => kinds[id] == 1).ToHashSet(StringComparer.Ordinal);
        root["model"]!["merges"] =
            new JsonArray([.. Enumerable.Range(0, texts.Length).Where(id => kinds[id] == 1).OrderByDescending(id => scores[id])
            .SelectMany(id => Enumerable.Range(1, texts[id].Length - 1).Select(cut => (Left: texts[id][..cut], Right: texts[id][cut..])))
            .Where(pair => normal.Contains(pair.Left) && normal.Contains(pair.Right))
            .Select(pair => (JsonNode)new JsonArray(pair.Left, pair.Right))]);
        Same(Tokenizer.Load(file), Load(root));
    }

    [SkippableFact]
    public void Metaspace_is_the_same_as_prepend_and_replace()
    {
        using ModelFile file = ModelFiles.Open(SharedData.Require("models/tiny/tiny-gemma2.gguf"));
        JsonObject root = Root(file, """{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false}""", "null", text =>
            text);
        root["model"]!["byte_fallback"] = true;
        root["model"]!["merges"] = new JsonArray(new JsonArray("▁", "t"));
        Tokenizer never = Load(root);
        Assert.Equal([never.Find(" t"), never.Find("t")], never.Encode(" tt"));
        root["pre_tokenizer"]!["prepend_scheme"] = "first";
        Tokenizer first = Load(root);
        Assert.Equal([first.Find(" t"), first.Find("<bos>"), first.Find("t")], first.Encode("t<bos>t"));
        Assert.Equal("t<bos>t", first.Decode(first.Encode("t<bos>t")));
        root["pre_tokenizer"]!["prepend_scheme"] = "always";
        Tokenizer every = Load(root);
        Assert.Equal([every.Find(" t"), every.Find("<bos>"), every.Find(" t")], every.Encode("t<bos>t"));
        Assert.Equal("t<bos>t", every.Decode(every.Encode("t<bos>t")));
    }

    [SkippableFact]
    public void Word_piece_gives_the_ids_of_the_gguf()
    {
        using ModelFile file = ModelFiles.Open(SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"));
        JsonObject root = Root(file, """{"type":"BertPreTokenizer"}""",
            """{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}""", text =>
            text.StartsWith('\u2581') ? text[1..] : "##" + text);
        root["model"]!["type"] = "WordPiece";
        root["model"]!["unk_token"] = "[UNK]";
        root["model"]!["continuing_subword_prefix"] = "##";
        root["post_processor"] =
            JsonNode.Parse(
                """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","""
                    + """ "type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],"pair":[],"special_tokens":{"[CLS]":{"id":"[CLS]","""
                    + """ "ids":[101],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[102],"tokens":["[SEP]"]}}}""");
        Tokenizer json = Load(root);
        Same(Tokenizer.Load(file), json);
        Assert.Equal(101, json.BeginOfText);
        Assert.Equal(102, json.EndOfText);
        Assert.Equal("hello , world", json.Decode(json.Encode("Héllo, WORLD")));
    }

    [Fact]
    public void Added_tokens_take_in_white_space_as_they_ask()
    {
        JsonObject root = Small();
        root["added_tokens"] = JsonNode.Parse(
            """[{"id":3,"content":"<l>","special":true,"lstrip":true},{"id":4,"content":"<r>","special":true,"rstrip":true},{"id":5,"""
                + """ "content":"ab","special":false,"single_word":true},{"id":6,"content":"<r><l>","special":true}]""");
        Tokenizer tokenizer = Load(root);
        Assert.Equal([0, 3, 2, 0], tokenizer.Encode("a  <l> a"));
        Assert.Equal([0, 2, 4, 0], tokenizer.Encode("a <r>  a"));
        Assert.Equal([5, 2, 0, 1, 0], tokenizer.Encode("ab aba"));
        Assert.Equal([6, 0], tokenizer.Encode("<r><l>a"));
        Assert.True(tokenizer.IsSpecial(3));
        Assert.False(tokenizer.IsSpecial(5));
    }

    [Theory]
    [InlineData(true, "  ", new[] { 0, 4, 0, 4, 3 })]
    [InlineData(false, "\u2581\u2581", new[] { 0, 3, 3, 0, 4, 3 })]
    public void Added_tokens_are_looked_for_before_or_after_spaces_are_marked(bool normalized, string named, int[] ids)
    {
        JsonObject root = Small();
        root["normalizer"] = JsonNode.Parse("""{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}""");
        root["pre_tokenizer"] = null;
        root["model"]!["vocab"] = JsonNode.Parse("""{"a":0,"\u2581":3}""");
        root["added_tokens"] = JsonNode.Parse("""[{"id":4,"content":"\u2581\u2581","special":false}]""");
        root["added_tokens"]![0]!["normalized"] = normalized;
        Tokenizer tokenizer = Load(root);
        Assert.Equal(ids, tokenizer.Encode("a  a" + (normalized ? "\u2581 \u2581" : "\u2581\u2581 ")));
        Assert.Equal(4, tokenizer.Find(named));
    }

    [Theory]
    [InlineData("abC Abc", new[] { 5, 2, 5 })]
    [InlineData("aB", new[] { 0, 1 })]
    [InlineData("AX>", new[] { 0, 6 })]
    [InlineData("Ax>", new[] { 7 })]
    [InlineData("xX>", new[] { 2, 6 })]
    public void Tokens_are_looked_for_first_as_spelled_and_then_normalised_in_normalised_text(string text, int[] ids)
    {
        JsonObject root = Small();
        root["normalizer"] = JsonNode.Parse(
            """{"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"Replace","pattern":{"String":"x"},"content":" "}]}""");
        root["pre_tokenizer"]!["use_regex"] = false;
        root["added_tokens"] = JsonNode.Parse(
            """[{"id":5,"content":"aBc","normalized":true},{"id":6,"content":"X>","normalized":false},{"id":7,"content":"AX>","""
                + """ "normalized":true,"special":true}]""");
        Assert.Equal(ids, Load(root).Encode(text));
    }

    [Fact]
    public void Contents_of_normalised_tokens_get_the_prefix_that_texts_get()
    {
        JsonObject root = Small();
        root["normalizer"] = JsonNode.Parse(
            """{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},{"type":"Replace","pattern":{"String":" "},"""
                + """ "content":"\u2581"}]}""");
        root["pre_tokenizer"] = null;
        root["model"]!["vocab"] = JsonNode.Parse("""{"a":0,"b":1,"\u2581":2,"<":3,">":4}""");
        root["added_tokens"] = JsonNode.Parse("""[{"id":5,"content":"<b>","normalized":true}]""");
        Assert.Equal([5, 0], Load(root).Encode("<b>a"));
        Assert.Equal([2, 0, 3, 1, 4], Load(root).Encode("a<b>"));
        Assert.Equal([2, 0, 5], Load(root).Encode("a <b>"));
    }

    [Theory]
    [InlineData("ab", true)]
    [InlineData("b ab.", true)]
    [InlineData("ab_", false)]
    [InlineData("ab\u0301", false)]
    [InlineData("\U0001D5BAab", false)]
    [InlineData("ab\u00B2", true)]
    public void Single_words_are_bounded_as_regular_expressions_say(string text, bool found)
    {
        JsonObject root = Small();
        root["added_tokens"] = JsonNode.Parse("""[{"id":5,"content":"ab","single_word":true}]""");
        Assert.Equal(found, Load(root).Encode(text).Contains(5));
    }

    [Theory]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false}""", new[] { 6, 3 })]
    [InlineData(
        """{"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false},{"type":"Digits","""
            + """ "individual_digits":true}]}""", new[] { 4, 5, 1, 1 })]
    [InlineData(
        """{"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false,"use_regex":false},{"type":"Digits","""
            + """ "individual_digits":false}]}""", new[] { 4, 5, 3 })]
    [InlineData(
        """{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","""
            + """ "add_prefix_space":false}]}""", new[] { 6, 1, 1 })]
    public void Stages_after_byte_level_see_bytes(string preTokenizer, int[] ids)
    {
        JsonObject root = Small();
        root["added_tokens"] = null;
        root["pre_tokenizer"] = JsonNode.Parse(preTokenizer);
        // A Cyrillic m is the bytes D0 BC, and GPT-2's character for BC is one quarter, which is a number.
        root["model"]!["vocab"] = JsonNode.Parse("""{"1":1,"11":3,"\u00D0":4,"\u00BC":5,"\u00D0\u00BC":6}""");
        root["model"]!["merges"] = JsonNode.Parse("""["\u00D0 \u00BC","1 1"]""");
        Tokenizer tokenizer = Load(root);
        Assert.Equal(ids, tokenizer.Encode("\u043C11"));
        Assert.Equal("\u043C11", tokenizer.Decode(ids));
    }

    [Theory]
    [InlineData("Removed", new[] { 0, 1, 1 })]
    [InlineData("Isolated", new[] { 0, 2, 1, 2, 2, 1 })]
    [InlineData("MergedWithPrevious", new[] { 3, 5, 2, 1 })]
    [InlineData("MergedWithNext", new[] { 0, 4, 2, 4 })]
    [InlineData("Contiguous", new[] { 0, 2, 1, 6, 1 })]
    public void Delimiters_go_where_the_file_says(string behavior, int[] ids)
    {
        JsonObject root = Small();
        root["added_tokens"] = null;
        root["pre_tokenizer"] = JsonNode.Parse(
            $$"""{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"String":"-"},"behavior":"{{behavior}}"},"""
                + $$""" {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}""");
        root["model"]!["vocab"] = JsonNode.Parse("""{"a":0,"b":1,"-":2,"a-":3,"-b":4,"b-":5,"--":6}""");
        root["model"]!["merges"] = JsonNode.Parse("""["a -","- b","b -","- -"]""");
        Assert.Equal(ids, Load(root).Encode("a-b--b"));
    }

    [Theory]
    [InlineData("""{"type":"Whitespace"}""", new[] { 3, 2, 0 })]
    [InlineData("""{"type":"WhitespaceSplit"}""", new[] { 3, 2, 0 })]
    [InlineData("""{"type":"CharDelimiterSplit","delimiter":" "}""", new[] { 3, 2, 0 })]
    public void White_space_is_left_out(string preTokenizer, int[] ids)
    {
        JsonObject root = Small();
        root["added_tokens"] = null;
        root["pre_tokenizer"] = JsonNode.Parse(
            $$"""{"type":"Sequence","pretokenizers":[{{preTokenizer}},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}""");
        root["model"]!["vocab"] = JsonNode.Parse("""{"a":0,"b":1,"-":2,"ab":3,"\u0120":4}""");
        root["model"]!["merges"] = JsonNode.Parse("""["a b"]""");
        Assert.Equal(ids, Load(root).Encode("ab - a"));
    }

    [Theory]
    [InlineData("model.type", "\"Unigram\"", "Unigram")]
    [InlineData("normalizer", """{"type":"Precompiled"}""", "Precompiled")]
    [InlineData("pre_tokenizer", """{"type":"UnicodeScripts"}""", "UnicodeScripts")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"}""", "'('")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"a"},"behavior":"Doubled"}""", "Doubled")]
    [InlineData("pre_tokenizer", "7", "pre_tokenizer")]
    [InlineData("post_processor",
        """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}}],"special_tokens":{"<s>":{"ids":[99]}}}""", "99")]
    [InlineData("post_processor", """{"type":"Other"}""", "Other")]
    [InlineData("model.vocab", """{"a":0,"b":0}""", "'b'")]
    [InlineData("model.vocab", """{"a":2000000000}""", "2000000000")]
    [InlineData("model.vocab", """{"a":-1}""", "-1")]
    [InlineData("model.vocab", "[]", "vocab")]
    [InlineData("model.merges", """["a c"]""", "'c'")]
    [InlineData("model.merges", """["ab"]""", "merges[0]")]
    [InlineData("model.merges", """[[1,2]]""", "tokenizer.json")]
    [InlineData("model.merges", """{"a":1}""", "merges")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "</w>")]
    [InlineData("added_tokens", """[{"content":"x"}]""", "added_tokens[0].id")]
    [InlineData("model", "null", "model")]
    public void What_cannot_be_read_is_refused_by_name(string path, string value, string named)
    {
        JsonObject root = Small();
        string[] names = path.Split('.');
        (names.Length == 1 ? root : root["model"]!.AsObject())[names[^1]] = JsonNode.Parse(value);
        InvalidInputException problem = Assert.Throws<InvalidInputException>(() => Load(root));
        Assert.Contains(named, problem.Message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_refused()
    {
        string whole = Small().ToJsonString();
        string path = Path.Combine(_folder, "tokenizer.json");
        for (int length = 0; length < whole.Length; length += 3)
        {
            File.WriteAllText(path, whole[..length]);
            Assert.Throws<InvalidInputException>(() => Tokenizer.Load(new MetadataFile(new Dictionary<string, object>(), path)));
        }
        var random = new Random(1);
        for (int round = 0; round < 500; round++)
        {
            char[] damaged = whole.ToCharArray();
            damaged[random.Next(damaged.Length)] = (char)random.Next(32, 127);
            File.WriteAllText(path, new string(damaged));
            try
            {
                Tokenizer.Load(new MetadataFile(new Dictionary<string, object>(), path)).Encode("ab a\nb <s>");
            }
            catch (InvalidInputException)
            {
            }
        }
        File.WriteAllText(path, string.Concat(Enumerable.Repeat("[", 100000)));
        Assert.Throws<InvalidInputException>(() => Tokenizer.Load(new MetadataFile(new Dictionary<string, object>(), path)));
    }

    private static JsonObject Small() => JsonNode.Parse("""
        {"added_tokens":[{"id":3,"content":"<s>","special":true}],"normalizer":null,
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":false},"post_processor":null,
         "model":{"type":"BPE","unk_token":null,"vocab":{"a":0,"b":1,"\u0120":2},"merges":[]}}
        """)!.AsObject();

    private static JsonObject Root(ModelFile file, string preTokenizer, string normalizer, Func<string, string> spell)
    {
        string[] texts = file.Require<string[]>("tokenizer.ggml.tokens");
        long[] kinds = file.Require<long[]>("tokenizer.ggml.token_type");
        var added = Enumerable.Range(0, texts.Length).Where(id => kinds[id] is 2 or 3)
            .Select(id => (JsonNode)new JsonObject { ["id"] = id, ["content"] = texts[id], ["special"] = true });
        var vocabulary = new JsonObject(
            texts.Select((text, id) => KeyValuePair.Create(kinds[id] is 2 or 3 ? text : spell(text), (JsonNode?)id)));
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. added]),
            ["normalizer"] = JsonNode.Parse(normalizer),
            ["pre_tokenizer"] = JsonNode.Parse(preTokenizer),
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary },
        };
    }

    private Tokenizer Load(JsonObject root)
    {
        string path = Path.Combine(_folder, "tokenizer.json");
        File.WriteAllText(path, root.ToJsonString());
        return Tokenizer.Load(new MetadataFile(new Dictionary<string, object>(), path));
    }

    private static void Same(Tokenizer expected, Tokenizer actual)
    {
        Assert.Equal(expected.VocabularySize, actual.VocabularySize);
        var random = new Random(21);
        for (int round = 0; round < 300; round++)
        {
            string text = RandomText.Mixed(random, random.Next(1, 20)) + RandomText.Unicode(random, random.Next(8));
            Assert.Equal(expected.Encode(text), actual.Encode(text));
        }
        for (int id = 0; id < expected.VocabularySize; id++)
        {
            Assert.True(expected.Bytes(id).SequenceEqual(actual.Bytes(id)), $"bytes of {id}");
        }
    }
}
