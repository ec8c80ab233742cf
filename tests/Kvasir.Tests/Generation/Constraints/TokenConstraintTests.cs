using System.Text.Json;
using Kvasir.Generation;
using Kvasir.Generation.Constraints;

namespace Kvasir.Tests.Generation.Constraints;

public class TokenConstraintTests
{
    private static readonly PieceTokenizer Tokenizer = ConstrainedTexts.Tokenizer;

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
        """{"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"boolean"},"c":{"type":"boolean"}}}""",
        """{"type":"array","items":{"type":"number","minimum":-1.25,"exclusiveMaximum":10},"minItems":1,"maxItems":4}""",
        """{"type":"array","items":{"type":"integer","exclusiveMinimum":-3,"maximum":7.5},"minItems":1,"maxItems":4}""",
        """{"type":["number","null"],"exclusiveMinimum":0.125}""",
        """{"type":"string","pattern":"^[A-Z]{2}-\\d{1,3}(x|y\"?)+$"}""",
        """{"type":"object","properties":{"a":{"type":"string","pattern":"12|é"}},"required":["a"]}""",
        """{"type":"array","prefixItems":[{"type":"integer"},{"const":"x"}],"items":{"type":"boolean"},"minItems":1,"maxItems":4}""",
        """{"type":"array","prefixItems":[{"type":"integer"},{"const":"x"},true],"items":false,"minItems":2,"uniqueItems":false}""",
        """{"type":"array","prefixItems":[{"type":"null"},{"const":"x"},true],"maxItems":2}""",
        """{"type":"integer","enum":["a",3,null,4.5,7]}""",
        """
            {"oneOf":[{"type":"object","properties":{"kind":{"const":"a"},"v":{"type":"integer"}},"required":["kind"]},
                {"$ref":"#/$defs/b"},{"type":["integer","null"]},{"type":"array","items":{"type":"null"}},{"enum":["a","b"]}],
             "$defs":{"b":{"type":"object","properties":{"kind":{"enum":["b","c"],"type":"string"}},"required":["kind"]}}}
            """,
        """
            {"oneOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},
                {"type":"object","properties":{"b":{"type":"integer"}},"required":["b"]},
                {"type":"object","properties":{"a":{"type":"string"},"c":{}},"required":["a"],"additionalProperties":false}]}
            """);

    [Theory]
    [MemberData(nameof(Schemas))]
    public void Whatever_is_drawn_keeps_to_the_schema(string schema)
    {
        JsonElement rules = JsonDocument.Parse(schema).RootElement;
        var constraint = new TokenConstraint(Grammar.FromJsonSchema(rules), Tokenizer);
        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            if (constraint.Draw(random, most: 400) is not { } text) continue;
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
        Assert.All(takes, text => Assert.True(constraint.Takes(text), text));
        Assert.All(refuses, text => Assert.False(constraint.Takes(text), text));
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
    [InlineData("""{"type":"string","pattern":"a+","maxLength":3}""", "maxLength")]
    [InlineData("""{"type":"object","properties":{},"required":["a"]}""", "required property a")]
    [InlineData("""{"type":"number","multipleOf":3}""", "multipleOf")]
    [InlineData("""{"type":"number","minimum":3,"exclusiveMaximum":3}""", "no number between")]
    [InlineData("""{"type":"number","minimum":1e-40}""", "minimum")]
    [InlineData("""{"type":"number","maximum":1234567.123456789}""", "maximum")]
    [InlineData("""{"type":"integer","minimum":3.1,"maximum":3.9}""", "maximum is below")]
    [InlineData("""{"type":"array","uniqueItems":true}""", "uniqueItems")]
    [InlineData("""{"type":"array","prefixItems":[true],"items":false,"minItems":2}""", "below minItems")]
    [InlineData("""{"type":"string","const":3}""", "of the type")]
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
                Assert.Equal(value >= least && value <= most, constraint.Takes(value.ToString(CultureInfo.InvariantCulture)));
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
}
