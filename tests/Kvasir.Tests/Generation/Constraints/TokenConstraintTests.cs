using System.Text.Json;
using Kvasir.Generation;
using Kvasir.Generation.Constraints;

namespace Kvasir.Tests.Generation.Constraints;

public class TokenConstraintTests
{
    private static readonly PieceTokenizer Tokenizer =
        new("{\"", "\":", "\": ", "\",\"", "tru", "true}", "null", "}}", "]", " \"", "12", "345", "é", "名前", "\\u", "\\\"", "name",
            "ame\":\"", "-0", "0.");

    public static TheoryData<string> Schemas => new(
        """{"type":"object"}""",
        """{"type":"array","items":{"type":"integer","minimum":-120,"maximum":1305},"minItems":2,"maxItems":5}""",
        """
            {"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":5},"age":{"type":["integer","null"]},"é":{"enum":["名前","b\"c",3,null]}},"required":["age"],"additionalProperties":false}
            """,
        """
            {"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"value":{"type":"number"},"children":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["value","children"]}}}
            """,
        """
            {"anyOf":[{"const":{"a":[1,2]}},{"type":"string","format":"date-time"},{"type":"object","additionalProperties":{"type":"boolean"}}]}
            """,
        """{"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"boolean"},"c":{"type":"boolean"}}}""");

    [Theory]
    [MemberData(nameof(Schemas))]
    public void Whatever_is_drawn_keeps_to_the_schema(string schema)
    {
        JsonElement rules = JsonDocument.Parse(schema).RootElement;
        var constraint = new TokenConstraint(Grammar.FromJsonSchema(rules), Tokenizer);
        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            string text = Draw(constraint, random, most: 400, out bool ended);
            if (!ended) continue;
            using JsonDocument document = JsonDocument.Parse(text);
            Assert.True(PlainSchema.Holds(rules, rules, document.RootElement), text);
        }
    }

    [Fact]
    public void A_token_is_allowed_where_its_mask_is_set()
    {
        var constraint = new TokenConstraint(Grammar.FromJsonSchema(JsonDocument.Parse("""{"type":"object"}""").RootElement), Tokenizer);
        var random = new Random(7);
        TokenConstraint.Progress progress = constraint.Begin();
        for (int step = 0; step < 300 && !progress.IsAtEnd; step++)
        {
            float[] logits = new float[Tokenizer.VocabularySize];
            progress.Mask(logits);
            int[] allowed = [.. Enumerable.Range(0, logits.Length).Where(progress.Allows)];
            Assert.Equal(allowed, Enumerable.Range(0, logits.Length).Where(id => logits[id] == 0));
            int[] going = [.. allowed.Where(id => id != PieceTokenizer.End)];
            progress.Take(going[random.Next(going.Length)]);
        }
    }

    [Theory]
    [InlineData("root ::= \"ab\"{2,3} [0-9]? | \"é\"", new[] { "abab", "ababab7", "é" }, new[] { "ab", "abababab", "abab77", "e", "" })]
    [InlineData("root ::= x \"c\"\nx ::= \"a\" x \"b\" | # nothing\n", new[] { "c", "abc", "aabbc" }, new[] { "aabc", "abbc" })]
    [InlineData("root ::= [^a-y\\n]+ (\"!\" | \".\"*)", new[] { "z", "名!", "Z...", "😀" }, new[] { "a", "z!!x", "" })]
    [InlineData("root ::= [À-ɏ] [\\x41-\\U0001F600]", new[] { "éA", "ɏ名", "À😀" }, new[] { "eA", "é@", "é😁" })]
    public void Grammar_takes_its_texts_and_no_others(string rules, string[] takes, string[] refuses)
    {
        var constraint = new TokenConstraint(Grammar.Parse(rules), Tokenizer);
        Assert.All(takes, text => Assert.True(Takes(constraint, text), text));
        Assert.All(refuses, text => Assert.False(Takes(constraint, text), text));
    }

    [Theory]
    [InlineData("root ::= root \"a\"", "left recursion")]
    [InlineData("root ::= a\na ::= \"b\"? a", "left recursion")]
    [InlineData("root ::= other", "other")]
    [InlineData("root ::= \"a", "no end")]
    [InlineData("root ::= [z-a]", "backwards")]
    [InlineData("root ::= ((\"abcdefgh\"{4000}){4000}){4000}", "too large")]
    [InlineData("root = \"a\"", "line 1: ::= is missing")]
    public void Grammar_that_cannot_be_followed_is_refused(string rules, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidInputException>(() => Grammar.Parse(rules)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"type":"string","pattern":"a+"}""", "pattern")]
    [InlineData("""{"type":"object","properties":{},"required":["a"]}""", "required property a")]
    [InlineData("""{"oneOf":[{"type":"string"}]}""", "oneOf")]
    [InlineData("""{"type":"number","minimum":3}""", "minimum")]
    [InlineData("""{"$ref":"http://elsewhere/schema"}""", "only references within")]
    [InlineData("""{"type":"strin"}""", "strin")]
    [InlineData("[]", "no object")]
    [InlineData("""{"$ref":"#"}""", "left recursion")]
    [InlineData("""{"type":"array","items":{"type":"string"},"minItems":100000}""", "minItems")]
    public void Schema_that_could_not_be_kept_is_refused(string schema, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidInputException>(() =>
            Grammar.FromJsonSchema(JsonDocument.Parse(schema).RootElement)).Message, StringComparison.Ordinal);

    [Fact]
    public void Grammar_with_too_many_ways_is_refused_before_anything_is_generated() => Assert.Contains("ambiguous",
        Assert.Throws<InvalidInputException>(() => new TokenConstraint(
            Grammar.Parse("root ::= ((\"a\"? \"b\"?){4000}){3}"), Tokenizer)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Schema_nested_too_deeply_is_refused()
    {
        string schema = string.Concat(Enumerable.Repeat("""{"type":"array","items":""", 50)) + "{}" + new string('}', 50);
        Assert.Contains("nested", Assert.Throws<InvalidInputException>(() =>
            Grammar.FromJsonSchema(JsonDocument.Parse(schema).RootElement)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whole_numbers_between_two_are_those_and_no_others()
    {
        foreach ((int least, int most) in new[] { (0, 0), (-3, 12), (7, 1234), (-1050, -99), (95, 105), (0, 1000) })
        {
            var constraint = new TokenConstraint(Grammar.Build(
                new Dictionary<string, GrammarExpression> { ["root"] = IntegerRange.Of(least, most) }, "root"), Tokenizer);
            for (int value = least - 120; value <= most + 120; value++)
                Assert.Equal(value >= least && value <= most, Takes(constraint, value.ToString(CultureInfo.InvariantCulture)));
        }
    }

    [Fact]
    public void Generation_under_a_constraint_ends_where_the_grammar_does()
    {
        var model = new FakeModel { Next = _ => 'x' };
        using var session = model.NewSession();
        var constraint = new TokenConstraint(Grammar.Parse("root ::= \"yes\" | \"no\""), model.Tokenizer);
        GenerationResult result = session.Complete("?", new GenerationOptions { Constraint = constraint, MaxTokens = 50 });
        Assert.Contains(result.Text, new[] { "yes", "no" });
        Assert.Equal(FinishReason.Stop, result.FinishReason);
    }

    private static bool Takes(TokenConstraint constraint, string text)
    {
        TokenConstraint.Progress progress = constraint.Begin();
        foreach (byte value in Encoding.UTF8.GetBytes(text))
        {
            if (!progress.Allows(value)) return false;
            progress.Take(value);
        }

        return progress.Allows(PieceTokenizer.End);
    }

    /// <summary>A text of tokens drawn evenly from those allowed, the end as often as any other where it is.</summary>
    private static string Draw(TokenConstraint constraint, Random random, int most, out bool ended)
    {
        var ids = new List<int>();
        TokenConstraint.Progress progress = constraint.Begin();
        ended = false;
        while (ids.Count < most && !ended)
        {
            float[] logits = new float[Tokenizer.VocabularySize];
            Assert.True(progress.Mask(logits));
            int[] allowed = [.. Enumerable.Range(0, logits.Length).Where(id => logits[id] == 0)];
            // Closing signs more often than others, or hardly any text would end.
            int[] closing = [.. allowed.Where(id => id < 256 && "\"]},".Contains((char)id) || id == PieceTokenizer.End)];
            int[] from = closing.Length > 0 && random.Next(3) == 0 ? closing : allowed;
            int id = from[random.Next(from.Length)];
            if (id == PieceTokenizer.End) break;
            ids.Add(id);
            progress.Take(id);
            ended = progress.IsAtEnd;
        }

        ended |= ids.Count < most;
        return Tokenizer.Decode([.. ids]);
    }
}
