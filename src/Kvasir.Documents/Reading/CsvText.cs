using System.Text.RegularExpressions;
using CsvHelper;
using CsvHelper.Configuration;

namespace Kvasir.Documents.Reading;

/// <summary>
/// A table of comma-separated values (or ; tab |) as text: each row a paragraph of "heading: value" lines, so that a row retrieved by
/// itself still says what its values are. Without headings a row is its values in one line.
/// </summary>
internal static partial class CsvText
{
    /// <summary>The comma last: of delimiters that fit equally well it is the one that also stands in numbers and in text.</summary>
    private const string Delimiters = "\t;|,";
    private const int SampleCharacters = 1 << 16;
    private const int SampleRows = 50;

    public static Document Parse(string content, string name, bool isTabbed)
    {
        char delimiter = DelimiterOf(ref content, isTabbed);
        string[][] sample = [.. Rows(content, delimiter).Take(SampleRows)];
        (int width, _) = CommonWidth(sample);
        int before = sample.Select((_, i) => i).TakeWhile(i => IsBeforeTable(sample, i, width)).Count();
        string[]? headings = before < sample.Length && TableHeadings.IsHeadings(sample[before], sample[(before + 1)..])
            ? sample[before] : null;
        var text = new StringBuilder();
        foreach (string[] row in sample.Take(before))
            text.Append(string.Join($"{delimiter} ", row).TrimEnd(delimiter, ' ').TrimStart('#', ' ')).Append("\n\n");

        bool hasRows = false;
        foreach (string[] row in Rows(content, delimiter).Skip(before + (headings is null ? 0 : 1)))
        {
            hasRows = true;
            TableText.WriteRow(text, headings, row);
        }

        // A table of headings alone still tells what it is about.
        return new Document(null, name, (hasRows || headings is null ? text : text.AppendJoin(" | ", headings)).ToString().TrimEnd());
    }

    /// <summary>
    /// The delimiter that a first line "sep=;" names, which is taken off; else the one that cuts most of the first rows into the same
    /// number of values, at least two.
    /// </summary>
    private static char DelimiterOf(ref string content, bool isTabbed)
    {
        if (DelimiterLine().Match(content) is { Success: true } line)
        {
            content = content[line.Length..];
            return line.Groups["delimiter"].Value[0];
        }

        if (isTabbed && content.Contains('\t')) return '\t';
        string sample = content;
        if (content.Length > SampleCharacters)
        {
            int lineEnd = content.LastIndexOf('\n', SampleCharacters);
            sample = content[..(lineEnd > 0 ? lineEnd : SampleCharacters)];
        }

        return Delimiters.MaxBy(delimiter => CommonWidth(Rows(sample, delimiter).Take(SampleRows)).Rows);
    }

    /// <summary>The most common number of values of a row, at least two, of equals the larger one; and how many rows have it.</summary>
    private static (int Width, int Rows) CommonWidth(IEnumerable<string[]> rows) =>
        rows.Where(row => row.Length > 1).GroupBy(row => row.Length).Select(group => (group.Key, group.Count()))
            .OrderByDescending(group => (group.Item2, group.Key)).FirstOrDefault();

    /// <summary>
    /// Whether a row stands before the table: a title, a comment, or fewer values than the table has, above headings of figures.
    /// </summary>
    private static bool IsBeforeTable(string[][] rows, int index, int width)
    {
        string[] row = rows[index];
        int values = row.Count(value => value.Length > 0);
        bool comment = row[0] is ['#', ' ', ..] && index + 1 < rows.Length
            && TableHeadings.IsHeadings(rows[index + 1], rows[(index + 2)..]);
        return width > 1 && (values == 1 || (width > 2 && values * 2 <= width) || comment || IsAboveHeadings());

        bool IsAboveHeadings() => row.Length < width
            && rows.Skip(index).Where(other => other.Length == width).ToArray() is [var first, .. var below]
            && TableHeadings.IsHeadings(first, below) && TableHeadings.Contrasts(first, below);
    }

    /// <summary>The rows that hold anything, white space in values collapsed.</summary>
    private static IEnumerable<string[]> Rows(string content, char delimiter)
    {
        var settings = new CsvConfiguration(
            CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter.ToString(),
            HasHeaderRecord = false,
            BadDataFound = null,
            MissingFieldFound = null,
            TrimOptions = TrimOptions.Trim
        };
        using var parser = new CsvParser(new StringReader(content), settings);
        while (parser.Read())
        {
            string[] row = [.. (parser.Record ?? []).Select(WhiteSpace.Collapse)];
            if (row.Any(value => value.Length > 0)) yield return row;
        }
    }

    /// <summary>As programs write it, and as others do that take it for a row: in quotes, with delimiters or spaces behind it.</summary>
    [GeneratedRegex("""\A"?sep=(?<delimiter>[^"\n])"?(\k<delimiter>|[ \t])*(\n|\z)""",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex DelimiterLine();
}
