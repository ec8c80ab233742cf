namespace Kvasir.Documents.Reading.Pdf;

/// <summary>
/// The order in which a page's lines are read, by where they stand: from the top down, and column by column where running text stands in
/// columns. What cannot be cut apart stays in the order that it is drawn in.
/// </summary>
internal static class PdfReadingOrder
{
    /// <summary>
    /// In units of the font size: the least space between columns, the least width of a line of text, the most of an item's mark.
    /// </summary>
    private const float Gutter = 0.5f, LeastText = 7, WidestMark = 4;

    /// <summary>A column of running text has at least so many lines, half of which fill this share of its width.</summary>
    private const int FewLines = 3;
    private const float FullLine = 0.4f;

    /// <summary>The lines in their order, with the pieces on one baseline together.</summary>
    public static List<PdfLine> Of(List<PdfLine> pieces) => Joined(Ordered(pieces));

    private static IEnumerable<PdfLine> Ordered(List<PdfLine> lines)
    {
        if (lines.Count < 2) return lines;
        List<List<PdfLine>> bands = Split(lines, line => (-line.Start.Y - 0.6f * line.Size, -line.Start.Y + 0.1f * line.Size));
        if (bands.Count > 1) return InBands(bands);
        List<List<PdfLine>> columns = Split(lines, Across);
        return columns.Count > 1 ? columns.SelectMany(Ordered) : lines;
    }

    /// <summary>Bands below each other; as many as stand in the same columns are read together.</summary>
    private static IEnumerable<PdfLine> InBands(List<List<PdfLine>> bands)
    {
        for (int first = 0; first < bands.Count;)
        {
            (int next, List<List<PdfLine>> columns) = Columns(bands, first);
            foreach (PdfLine line in columns.SelectMany(Ordered)) yield return line;
            first = next;
        }
    }

    /// <summary>
    /// The columns in the most bands from a given one on that have any, and the band behind them; without columns the one band.
    /// </summary>
    private static (int Next, List<List<PdfLine>> Columns) Columns(List<List<PdfLine>> bands, int first)
    {
        (int Next, List<List<PdfLine>> Columns) found = (first + 1, [bands[first]]);
        List<(float From, float To)> taken = [];
        for (int i = first; i <= bands.Count; i++)
        {
            int before = taken.Count;
            taken = i < bands.Count ? Merged([.. taken, .. bands[i].Select(Across)]) : [];
            if (before < 2 || taken.Count == before) continue;
            if (i > first + 1 && OfText(Split([.. bands[first..i].SelectMany(band => band)], Across)) is { } columns) found = (i, columns);
            if (taken.Count < 2) break;
        }

        return found;
    }

    /// <summary>
    /// Columns as they are where each is drawn before the next; else those of text, each with the marks and drop caps to its left; null
    /// where there are none.
    /// </summary>
    private static List<List<PdfLine>>? OfText(List<List<PdfLine>> columns)
    {
        bool inTurn = columns.Zip(columns.Skip(1)).All(pair => pair.First[^1].Number < pair.Second[0].Number);
        if (inTurn && !columns.Exists(column => column.Exists(line => line.IsCell))) return columns;
        var text = new List<List<PdfLine>>();
        List<PdfLine> marks = [];
        foreach (List<PdfLine> column in columns)
        {
            bool isText = IsRunningText(column);
            if (!isText && Width(column) > WidestMark * column[0].Size) return null;
            marks = [.. marks, .. column];
            if (isText) (text, marks) = ([.. text, marks], []);
        }

        return text.Count > 1 && marks.Count == 0 ? text : null;
    }

    private static bool IsRunningText(List<PdfLine> pieces)
    {
        List<PdfLine> lines = Joined(pieces);
        float full = FullLine * Width(pieces);
        return lines.Count >= FewLines && 2 * lines.Count(line => line.Width >= Math.Max(full, LeastText * line.Size)) >= lines.Count;
    }

    private static float Width(List<PdfLine> lines) => lines.Max(line => line.Start.X + line.Width) - lines.Min(line => line.Start.X);

    /// <summary>What a line takes from left to right, with the space that must follow.</summary>
    private static (float From, float To) Across(PdfLine line) => (line.Start.X, line.Start.X + line.Width + Gutter * line.Size);

    private static List<PdfLine> Joined(IEnumerable<PdfLine> pieces)
    {
        var lines = new List<PdfLine>();
        foreach (PdfLine piece in pieces)
        {
            if (lines.Count > 0 && lines[^1].GoesOnIn(piece)) lines[^1] = lines[^1].With(piece);
            else lines.Add(piece);
        }

        return lines;
    }

    private static List<(float From, float To)> Merged(IEnumerable<(float From, float To)> extents)
    {
        var merged = new List<(float From, float To)>();
        foreach ((float from, float to) in extents.Order())
        {
            if (merged.Count > 0 && from <= merged[^1].To) merged[^1] = (merged[^1].From, Math.Max(merged[^1].To, to));
            else merged.Add((from, to));
        }

        return merged;
    }

    /// <summary>Lines in groups that do not touch along one axis; within a group in the order that they are drawn in.</summary>
    private static List<List<PdfLine>> Split(List<PdfLine> lines, Func<PdfLine, (float From, float To)> extent)
    {
        List<(float From, float To)> groups = Merged(lines.Select(extent));
        ILookup<int, PdfLine> split = lines.OrderBy(line => line.Number)
            .ToLookup(line => groups.FindLastIndex(group => group.From <= extent(line).From));
        return [.. Enumerable.Range(0, groups.Count).Select(group => split[group].ToList())];
    }
}
