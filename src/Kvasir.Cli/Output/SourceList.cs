using System.Globalization;
using System.Text;
using Kvasir.Documents;

namespace Kvasir.Cli;

/// <summary>The passages that an answer is made from, numbered, as a person reads them and as JSON; with their texts where that was asked for.</summary>
internal sealed class SourceList(IReadOnlyList<Passage> sources, bool showTexts)
{
    private const int Width = 100;
    private const string Indent = "      ";

    public IEnumerable<Dictionary<string, object?>> Json() => sources.Select(source =>
    {
        var fields = new Dictionary<string, object?>
        {
            ["file"] = source.File,
            ["chunk"] = source.Chunk,
            ["score"] = Units.Rounded(source.Score, 6),
            ["cosine"] = Units.Rounded(source.Cosine, 6),
            ["documentId"] = source.DocumentId,
            ["title"] = source.Title,
        };
        if (showTexts) fields["text"] = source.Text;
        return fields;
    });

    public void Print(TextWriter output)
    {
        foreach ((int number, Passage source) in sources.Index())
        {
            string name = source.DocumentId is null ? source.File : $"{source.File} ({source.DocumentId})";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  [{number + 1}] {name}, part {source.Chunk + 1}: {source.Title} (score {source.Score:0.000}, cosine {source.Cosine:0.00})"));
            if (!showTexts) continue;
            foreach (string line in source.Text.Trim().Split('\n')) Wrap(line.TrimEnd(), output);
            output.WriteLine();
        }
    }

    /// <summary>Breaks a line at spaces.</summary>
    private static void Wrap(string line, TextWriter output)
    {
        var row = new StringBuilder();
        foreach (string word in TerminalText.Line(line).Split(' '))
        {
            if (row.Length > 0 && row.Length + 1 + word.Length > Width)
            {
                output.WriteLine(Indent + row);
                row.Clear();
            }

            row.Append(row.Length > 0 ? " " : "").Append(word);
        }

        output.WriteLine((Indent + row).TrimEnd());
    }
}
