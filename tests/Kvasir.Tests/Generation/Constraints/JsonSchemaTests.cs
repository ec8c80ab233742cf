using System.Text.Json;
using System.Text.RegularExpressions;
using Kvasir.Generation.Constraints;

namespace Kvasir.Tests.Generation.Constraints;

/// <summary>Patterns, ranges of numbers and <c>oneOf</c>: each against another reading of the same words.</summary>
public class JsonSchemaTests
{
    [Theory]
    [InlineData("a+")]
    [InlineData("^a+$")]
    [InlineData("^a|b$")]
    [InlineData("^(a|b1)*_?$")]
    [InlineData("^(?:ab?){2,3}-*$")]
    [InlineData("[^ab]{2}")]
    [InlineData("^[a1\\-]+?$")]
    [InlineData("^[^-\\]a-]+$")]
    [InlineData("^.{3}$")]
    [InlineData("^\\w\\W\\d?\\D*$")]
    [InlineData("\\s\\S|\\n$")]
    [InlineData("^[\\s\\d\\u00e9]{2,}$")]
    [InlineData("^\"\\\\|\\x61\\t?b")]
    [InlineData("^$|^(a*)*b$")]
    [InlineData("")]
    [InlineData("^a{0}b{2}$")]
    public void Pattern_takes_the_strings_that_it_matches_and_no_others(string pattern)
    {
        TokenConstraint constraint = Of(new { type = "string", pattern });
        var random = new Random(11);
        int matched = 0;
        var expected = new Regex(pattern.Replace("$", "\\z", StringComparison.Ordinal), RegexOptions.None, TimeSpan.FromSeconds(1));
        // A letter of \w in .NET, none in ECMA.
        string signs = pattern.Contains("\\w", StringComparison.Ordinal) ? "aaabb1_- \"\\\n?]\t" : "aaabb1_- \"\\\né]\t";
        for (int round = 0; round < 3000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(7)).Select(_ => signs[random.Next(signs.Length)]));
            bool matches = expected.IsMatch(text);
            if (matches) matched++;
            Assert.True(matches == constraint.Takes(Quoted(text)), text);
        }

        Assert.InRange(matched, 1, 3000);
    }

    [Theory]
    [InlineData("(?=a)b", "lookahead")]
    [InlineData("(?!a)b", "lookahead")]
    [InlineData("(?<=a)b", "lookbehind")]
    [InlineData("(?<year>a)", "named group")]
    [InlineData("(a)\\1", "back reference \\1")]
    [InlineData("\\bword", "word border")]
    [InlineData("\\p{L}", "\\p")]
    [InlineData("a\\q", "escape \\q")]
    [InlineData("a(^b)", "anchor ^")]
    [InlineData("(a$)", "anchor $")]
    [InlineData("a$b", "anchor $")]
    [InlineData("a**", "* without")]
    [InlineData("a{,3}", "number of repeats")]
    [InlineData("a{3,2}", "n below m")]
    [InlineData("[b-a]", "backwards")]
    [InlineData("[a", "] is missing")]
    [InlineData("[]", "empty class")]
    [InlineData("(a", ") is missing")]
    [InlineData("a)", ") without")]
    [InlineData("\\ud800", "no character")]
    [InlineData("((a{1000}){1000}){1000}", "too large")]
    [InlineData("(((){1000}){1000}){1000}", "too large")]
    public void Pattern_that_is_not_kept_is_refused_by_name(string pattern, string problem) => Assert.Contains(problem,
        Assert.Throws<InvalidInputException>(() => Of(new { type = "string", pattern })).Message, StringComparison.Ordinal);

    [Fact]
    public void Hostile_schemas_are_refused_or_answered_soon()
    {
        string deep = string.Concat(Enumerable.Repeat("""{"oneOf":[{"type":"null"},""", 40)) + "{}"
            + string.Concat(Enumerable.Repeat("]}", 40));
        IEnumerable<string> values = Enumerable.Range(0, 1000).Select(i => $$"""{"enum":[{{i}},{{i + 1000}},{{i + 2000}}]}""");
        string wide = $$"""{"oneOf":[{{string.Join(',', values)}}]}""";
        string circle = """
            {"oneOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}],"$defs":{"a":{"oneOf":[{"$ref":"#/$defs/b"},{"type":"null"}]},
                "b":{"oneOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}}}
            """;
        string[] patterns = ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(a?){2000}a{2000}$", "^(.?){1000}$", "(.*){1000}",
            "^(\\\\w*\\\\d*){900}$", new string('(', 500), new string('a', 2000),
            "(" + string.Concat(Enumerable.Repeat("a|", 490)) + "b)*"];
        string[] schemas = [deep, wide, circle, .. patterns.Select(pattern => $$"""{"type":"string","pattern":"{{pattern}}"}"""),
            """{"type":"array","prefixItems":[{"type":"number","minimum":-0.123456789012345}],"maxItems":1000}"""];
        foreach (string schema in schemas)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                Of(JsonDocument.Parse(schema, new JsonDocumentOptions { MaxDepth = 256 }).RootElement).Draw(new Random(3), most: 20);
            }
            catch (InvalidInputException)
            {
                // Refused: that is soon enough.
            }

            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{schema[..Math.Min(80, schema.Length)]}: {clock.Elapsed}");
        }
    }

    [Fact]
    public void Numbers_between_two_are_those_and_no_others()
    {
        var random = new Random(2);
        for (int round = 0; round < 60; round++)
        {
            decimal least = Decimal(random), most = least + Math.Abs(Decimal(random));
            bool above = random.Next(2) == 0, below = random.Next(2) == 0;
            if (least == most) continue;
            string low = above ? "exclusiveMinimum" : "minimum", high = below ? "exclusiveMaximum" : "maximum";
            string schema = string.Create(
                CultureInfo.InvariantCulture, $$"""{"type":"number","{{low}}":{{least}},"{{high}}":{{most}}}""");
            TokenConstraint constraint = Of(JsonDocument.Parse(schema).RootElement);
            decimal[] near = [least, most, 0,
                .. Enumerable.Range(0, 60).Select(_ => Decimal(random) + (random.Next(2) == 0 ? least : most))];
            foreach (decimal value in near.SelectMany(value => new[] { value, value + 0.0001m, value - 0.0001m, value + 1, -value }))
            {
                string text = value.ToString("0.######", CultureInfo.InvariantCulture);
                bool holds = (above ? value > least : value >= least) && (below ? value < most : value <= most);
                Assert.True(holds == constraint.Takes(text), $"{schema} {text}");
                if (text.Contains('.', StringComparison.Ordinal)) Assert.Equal(holds, constraint.Takes(text + "0"));
            }
        }

        static decimal Decimal(Random random) => random.Next(-3000, 3000) / new[] { 1m, 10m, 100m, 1000m }[random.Next(4)];
    }

    [Theory]
    [InlineData("""{"minimum":0}""", "0|12.5|999999998.999999", "-0|-1|-0.1|00|1.")]
    [InlineData("""{"exclusiveMinimum":0}""", "0.1|0.000001|3", "0|-0|0.0|0.000000|-3")]
    [InlineData("""{"exclusiveMaximum":0}""", "-0.5|-1", "0|-0|-0.0|1")]
    [InlineData("""{"maximum":0.125,"minimum":0.1}""", "0.1|0.10|0.11|0.125|0.1250", "0.126|0.09|0.1251|0|1|-0.1")]
    [InlineData("""{"minimum":1e3,"exclusiveMaximum":1001,"exclusiveMinimum":999}""", "1000|1000.9", "999.9|1001|1001.0")]
    public void Bounds_of_numbers_are_kept_at_their_ends(string bounds, string takes, string refuses)
    {
        TokenConstraint constraint = Of(JsonDocument.Parse("""{"type":"number",""" + bounds[1..]).RootElement);
        Assert.All(takes.Split('|'), text => Assert.True(constraint.Takes(text), text));
        Assert.All(refuses.Split('|'), text => Assert.False(constraint.Takes(text), text));
    }

    [Theory]
    [InlineData("""[{"type":"integer"},{"type":"number"}]""")]
    [InlineData("""[{"type":"string"},{"const":"a"}]""")]
    [InlineData("""[{"enum":[1,2]},{"enum":[3,2.0]}]""")]
    [InlineData("""[{"type":"string","minLength":3},{"type":"string","maxLength":2}]""")]
    [InlineData("""[{"type":"object","properties":{"a":{}}},{"type":"object","properties":{"b":{}},"required":["b"]}]""")]
    [InlineData("""[{"type":"object","properties":{"a":{"const":1}},"required":["a"]},{"properties":{"a":{"const":2}}},{}]""")]
    [InlineData("""[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"enum":[1,"x"]}},"required":["a"]}]""")]
    [InlineData("""[{"type":"array","items":{"type":"null"}},{"type":["array","null"]}]""")]
    public void Alternatives_that_may_hold_at_once_are_refused(string alternatives) => Assert.Contains("oneOf: what alternative",
        Assert.Throws<InvalidInputException>(() => Of(JsonDocument.Parse($$"""{"oneOf":{{alternatives}}}""").RootElement)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Object_has_the_properties_of_its_schema_and_no_others()
    {
        TokenConstraint constraint = Of(JsonDocument.Parse("""{"type":"object","properties":{"a":{"type":"null"}}}""").RootElement);
        Assert.True(constraint.Takes("""{"a":null}"""));
        Assert.False(constraint.Takes("""{"b":null}"""));
    }

    private static TokenConstraint Of(object schema) => Of(JsonSerializer.SerializeToElement(schema));

    private static TokenConstraint Of(JsonElement schema) => new(Grammar.FromJsonSchema(schema), ConstrainedTexts.Tokenizer);

    private static string Quoted(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)
        .Replace("\t", "\\t", StringComparison.Ordinal) + "\"";
}
