namespace Kvasir.Cli.Output;

/// <summary>The numbered passages of an answer, for people and as JSON; with their texts where asked for.</summary>
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
            ["strength"] = source.Strength,
            ["line"] = source.Line,
            ["parts"] = source.Parts,
            ["state"] = source.State,
            ["alsoIn"] = source.AlsoIn,
            ["documentId"] = source.DocumentId,
            ["title"] = source.Title,
        };
        if (showTexts) fields["text"] = source.Text;
        return fields;
    });

    /// <summary>Where in a file a person finds a source.</summary>
    public static string Place(Passage source, string file) =>
        TerminalText.Line(file + (source.DocumentId is { } id ? $" ({id})" : "")
            + (source.Line is int line ? $", line {line}" : source.Parts > 1 ? $", part {source.Chunk + 1} of {source.Parts}" : ""));

    public void Print(TextWriter output)
    {
        foreach ((int number, Passage source) in sources.Index())
        {
            string state = source.State switch
            {
                StoredFileState.Changed =>
                ", changed since",
                StoredFileState.Gone => ", gone since",
                _ => ""
            };
            output.WriteLine(
                TerminalText.Line($"  [{number + 1}] {Place(source, source.File)}: {source.Title} ({source.Strength}{state})"));
            if (source.AlsoIn.Count > 0) output.WriteLine(TerminalText.Line($"{Indent}also in {string.Join(", ", source.AlsoIn)}"));
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
