using System.Text.RegularExpressions;

namespace Kvasir.Training.Demonstration;

/// <summary>
/// How statements become paragraphs, in the forms in which the document reader gives text: a table is lines with bars, a list has dashes, a
/// heading is a line.
/// </summary>
internal sealed partial class Layout(Draws draws, Kind kind)
{
    private enum Form
    {
        Sentences,
        Items,
        Lines,
        Headings,
        Table,
        Records,
    }

    private static readonly Form[] s_single =
        [Form.Sentences, Form.Sentences, Form.Sentences, Form.Sentences, Form.Sentences, Form.Items, Form.Items, Form.Lines, Form.Lines,
            Form.Headings, Form.Table];

    private static readonly Form[] s_rows =
        [Form.Sentences, Form.Sentences, Form.Sentences, Form.Items, Form.Table, Form.Table, Form.Lines, Form.Records];

    private readonly Form _single = draws.Pick(s_single), _rows = draws.Pick(s_rows);

    /// <summary>A text of statements, one fact's rows together, and of sentences that state nothing.</summary>
    public string Text(string? title, IReadOnlyList<Statement[]> statements, IReadOnlyList<string> fillers)
    {
        var paragraphs = new List<string>();
        List<Statement[]> single = [.. statements.Where(group => !group[0].Fact.IsRow)], rows = [.. statements.Except(single)];
        if (_single == Form.Sentences)
        {
            List<string> sentences = [.. fillers, .. single.Select(group => Sentence(group[0]))];
            if (_rows == Form.Sentences) sentences.AddRange(rows.SelectMany(group => group.Select(Sentence)));
            paragraphs.AddRange(Paragraphs(draws.Shuffled(sentences)));
        }
        else
        {
            paragraphs.AddRange(fillers);
            if (single.Count > 0) paragraphs.Insert(draws.Below(paragraphs.Count + 1), Block(_single, single));
        }

        if (_rows != Form.Sentences || _single != Form.Sentences)
            foreach (Statement[] group in rows) paragraphs.Insert(draws.Below(paragraphs.Count + 1), Block(_rows, [group]));
        if (title is not null) paragraphs.Insert(0, title);
        return string.Join("\n\n", paragraphs);
    }

    private string Sentence(Statement statement)
    {
        string text = Filled(draws.Pick(statement.Fact.Sentences(draws.Split, kind.IsHeldOut)), statement.Values);
        return text[^1] is '.' or '!' or '?' ? text : text + ".";
    }

    /// <summary>A wording with its values, begun with a capital letter, and with "an" where "a" stands before a vowel.</summary>
    public string Filled(string wording, IReadOnlyDictionary<string, string> values) =>
        Draws.Capitalised(Article().Replace(draws.Fill(wording, values), "$0n"));

    private IEnumerable<string> Paragraphs(string[] sentences)
    {
        for (int at = 0, count; at < sentences.Length; at += count)
        {
            count = draws.Between(2, 5);
            yield return sentences.Skip(at).Take(count).Aggregate(Joined);
        }
    }

    /// <summary>Two sentences, now and then as one.</summary>
    private string Joined(string text, string next) => text[^1] == '.' && LowerAfterAnd().IsMatch(next) && draws.Chance(25)
        ? $"{text[..^1]}, and {char.ToLowerInvariant(next[0])}{next[1..]}" : $"{text} {next}";

    private string Block(Form form, IReadOnlyList<Statement[]> groups)
    {
        Statement[] all = [.. groups.SelectMany(group => group)];
        Fact fact = all[0].Fact;
        return form switch
        {
            Form.Sentences => string.Join(' ', all.Select(Sentence)),
            Form.Items => string.Join('\n', all.Select(statement => "- " + Sentence(statement))),
            Form.Lines => string.Join('\n', all.SelectMany(Lines)),
            Form.Headings => string.Join("\n\n", all.Select(statement => $"{Label(statement.Fact, 0)}\n{Sentence(statement)}")),
            Form.Table when fact.IsRow => string.Join('\n', all.Select(statement => Row(statement, statement.Value))
                .Prepend(Row(all[0], slot => Label(fact, slot)))),
            Form.Table => string.Join('\n', all.SelectMany(LabelledValues).Select(pair => $"{pair.Label} | {pair.Value}")),
            _ => string.Join("\n\n", all.Select(statement => string.Join('\n', LabelledValues(statement).Select(Line)))),
        };
    }

    /// <summary>A line for each slot; a row is one line that begins with its first slot.</summary>
    private IEnumerable<string> Lines(Statement statement)
    {
        if (!statement.Fact.IsRow) return LabelledValues(statement).Select(Line);
        string rest = string.Join(", ", Enumerable.Range(1, statement.Fact.Slots.Length - 1).Select(statement.Value));
        return [$"{Draws.Capitalised(statement.Value(0))}: {rest}"];
    }

    private IEnumerable<(string Label, string Value)> LabelledValues(Statement statement) =>
        statement.Fact.Slots.Select((_, slot) => (Label(statement.Fact, slot), statement.Value(slot)));

    private string Label(Fact fact, int slot) => slot < fact.Labels.Length ? draws.Pick(fact.Labels[slot]) : fact.Slots[slot].Name;

    private static string Line((string Label, string Value) pair) => $"{pair.Label}: {pair.Value}";

    private static string Row(Statement statement, Func<int, string> cell) =>
        string.Join(" | ", Enumerable.Range(0, statement.Fact.Slots.Length).Select(cell));

    [GeneratedRegex("^(The|It|In|At|On|We|You|There|This|Our|An?|For|From|Its|By|To|Her|She) ")]
    private static partial Regex LowerAfterAnd();

    [GeneratedRegex("""\b[Aa](?= ["“]?[aeiouAEIOU])""")]
    private static partial Regex Article();
}
