using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;

namespace Kvasir.Documents.Reading;

/// <summary>
/// A table of comma-separated values (or ; tab |) as text: each row a paragraph of "heading: value" lines, so that a row retrieved by itself
/// still says what its values are. Without headings a row is its values in one line.
/// </summary>
internal static class CsvText
{
    private const string Delimiters = ",;\t|";
    private const int SampleCharacters = 1 << 16;
    private const int SampleRows = 50;
    private const int LongestHeading = 80;

    /// <exception cref="UnreadableDocumentException">Its text with the headings would be too long.</exception>
    public static Document Parse(string content, string name)
    {
        char delimiter = DelimiterOf(content);
        var text = new StringBuilder();
        string[]? headings = null;
        bool first = true;
        foreach (string[] row in Rows(content, delimiter))
        {
            if (first && IsHeader(row))
            {
                headings = row;
            }
            else
            {
                WriteRow(text, headings, row);
            }

            first = false;
            if (text.Length > DocumentReader.LongestFile)
            {
                throw new UnreadableDocumentException($"a table of more than {DocumentReader.LongestFile >> 20} MiB with its headings at each row; split it");
            }
        }

        // A table of headings alone still tells what it is about.
        return new Document(null, name, text.Length == 0 && headings is not null ? string.Join(" | ", headings) : text.ToString().TrimEnd());
    }

    private static void WriteRow(StringBuilder text, string[]? headings, string[] row)
    {
        if (headings is null)
        {
            text.AppendJoin(" | ", row).Append("\n\n");
            return;
        }

        for (int i = 0; i < row.Length; i++)
        {
            if (row[i].Length == 0)
            {
                continue;
            }

            if (i < headings.Length && headings[i].Length > 0)
            {
                text.Append(headings[i]).Append(": ");
            }

            text.Append(row[i]).Append('\n');
        }

        text.Append('\n');
    }

    /// <summary>The first row is taken for headings where it has short distinct words and no number.</summary>
    private static bool IsHeader(string[] row)
    {
        string[] named = [.. row.Where(value => value.Length > 0)];
        return named.Length * 2 > row.Length
            && named.Distinct(StringComparer.OrdinalIgnoreCase).Count() == named.Length
            && named.All(value => value.Length <= LongestHeading && value.Any(char.IsLetter) && !IsDatum(value));
    }

    private static bool IsDatum(string value) =>
        double.TryParse(value, NumberStyles.Float | NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out _)
        || (value.Any(char.IsAsciiDigit) && DateTime.TryParse(value, CultureInfo.InvariantCulture, out _))
        || value.Contains('@', StringComparison.Ordinal) || value.Contains("://", StringComparison.Ordinal);

    /// <summary>The delimiter that cuts most of the first rows into the same number of values, at least two; of equals the one with more values.</summary>
    private static char DelimiterOf(string content)
    {
        string sample = content;
        if (content.Length > SampleCharacters)
        {
            int lineEnd = content.LastIndexOf('\n', SampleCharacters);
            sample = content[..(lineEnd > 0 ? lineEnd : SampleCharacters)];
        }

        return Delimiters.MaxBy(delimiter =>
        {
            int[] lengths = [.. Rows(sample, delimiter).Take(SampleRows).Select(row => row.Length)];
            return lengths.Where(length => length > 1).GroupBy(length => length).Select(group => (group.Count(), group.Key)).DefaultIfEmpty().Max();
        });
    }

    /// <summary>The rows that hold anything, white space in values collapsed.</summary>
    private static IEnumerable<string[]> Rows(string content, char delimiter)
    {
        var settings = new CsvConfiguration(CultureInfo.InvariantCulture) { Delimiter = delimiter.ToString(), HasHeaderRecord = false, BadDataFound = null, MissingFieldFound = null };
        using var parser = new CsvParser(new StringReader(content), settings);
        while (parser.Read())
        {
            string[] row = [.. (parser.Record ?? []).Select(Collapse)];
            if (row.Any(value => value.Length > 0))
            {
                yield return row;
            }
        }
    }

    private static string Collapse(string value) => string.Join(' ', value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
