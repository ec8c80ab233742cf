namespace Kvasir.Documents.Reading;

/// <summary>A cell of a table.</summary>
/// <param name="Text">Its text, in one line.</param>
/// <param name="IsHeading">Whether it says what other cells are.</param>
internal sealed record Cell(string Text, bool IsHeading = false)
{
    /// <summary>How many columns it stands in.</summary>
    public int Columns { get; init; } = 1;

    /// <summary>How many rows it stands in.</summary>
    public int Rows { get; init; } = 1;
}

/// <summary>
/// A table as text. A small one is its rows with bars between the values. Beyond that a row can stand in a chunk without the headings, so
/// each row becomes a paragraph of "heading: value" lines, which says by itself what its values are. A cell over several rows has its value
/// in each of them.
/// </summary>
internal sealed class TableText
{
    /// <summary>
    /// Characters of a table that stands in one chunk with its headings, also where a title is before it and its tokens are single digits.
    /// </summary>
    private const int Small = 400;

    private const int SampleRows = 50;
    private const int MostColumns = 1000;

    /// <summary>Rows by columns; null where a cell from further left goes on.</summary>
    private readonly List<string?[]> _rows = [];
    private readonly Dictionary<int, (Cell Cell, int Left)> _goingOn = [];
    private int _headingRows;
    private bool _hasHeadingCells;
    private long _length;

    /// <summary>Adds a row; those that hold nothing are left out. Rows of headings stand above the others.</summary>
    public void Add(IReadOnlyList<Cell> cells)
    {
        var row = new List<string?>();
        foreach (Cell cell in cells.TakeWhile(_ => row.Count < MostColumns))
        {
            TakeFromAbove(row);
            if (cell.Rows > 1) _goingOn[row.Count] = (cell, cell.Rows - 1);
            Append(row, cell);
        }

        TakeFromAbove(row);
        if (row.All(string.IsNullOrEmpty)) return;
        bool heading = cells.Count > 0 && cells.All(cell => cell.IsHeading || cell.Text.Length == 0);
        _headingRows += heading && _headingRows == _rows.Count ? 1 : 0;
        _hasHeadingCells |= cells.Any(cell => cell.IsHeading);
        _rows.Add([.. row]);
        _length += row.Sum(value => value is null ? 0 : value.Length + " | ".Length);
    }

    /// <summary>The text: lines, or paragraphs where the table is large.</summary>
    public override string ToString()
    {
        int headingRows = HeadingRows();
        if (_length <= Small || headingRows == 0 || headingRows == _rows.Count)
            return string.Join('\n', _rows.Select(row => string.Join(" | ", row.OfType<string>())));

        string[] headings = Headings(headingRows);
        var text = new StringBuilder();
        foreach (string?[] row in _rows.Skip(headingRows)) WriteRow(text, headings, row);
        return text.ToString().TrimEnd();
    }

    /// <summary>Adds a row as a paragraph with a blank line behind it.</summary>
    public static void WriteRow(StringBuilder text, string[]? headings, string?[] row)
    {
        if (headings is null) text.AppendJoin(" | ", row).Append('\n');
        for (int i = 0; headings is not null && i < row.Length; i++)
        {
            if (string.IsNullOrEmpty(row[i])) continue;
            if (i < headings.Length && headings[i].Length > 0) text.Append(headings[i]).Append(": ");
            text.Append(row[i]).Append('\n');
        }

        text.Append('\n');
    }

    private void TakeFromAbove(List<string?> row)
    {
        while (_goingOn.Remove(row.Count, out (Cell Cell, int Left) above))
        {
            if (above.Left > 1) _goingOn[row.Count] = (above.Cell, above.Left - 1);
            Append(row, above.Cell);
        }
    }

    private static void Append(List<string?> row, Cell cell)
    {
        row.Add(cell.Text);
        row.AddRange(Enumerable.Repeat<string?>(null, Math.Min(cell.Columns, MostColumns) - 1));
    }

    /// <summary>The rows that are marked as headings; without any mark in the table, the first where it looks like one.</summary>
    private int HeadingRows()
    {
        if (_hasHeadingCells || _rows.Count < 2) return _headingRows;
        string[][] sample = [.. _rows.Take(SampleRows).Select(row => row.Select(value => value ?? "").ToArray())];
        return sample[0].Length > 1 && TableHeadings.IsHeadings(sample[0], sample[1..])
            && (sample[0].Length > 2 || TableHeadings.Contrasts(sample[0], sample[1..])) ? 1 : 0;
    }

    /// <summary>Where headings stand above headings, a column's are all of them from the top down, each once.</summary>
    private string[] Headings(int count)
    {
        var headings = new string[_rows[..count].Max(row => row.Length)];
        for (int column = 0; column < headings.Length; column++)
            headings[column] = string.Join(
                ' ', _rows[..count].Select(row => At(row, column)).Where(value => value.Length > 0).Distinct(StringComparer.Ordinal));

        return headings;

        static string At(string?[] row, int column)
        {
            column = Math.Min(column, row.Length - 1);
            while (column > 0 && row[column] is null) column--;
            return row[column] ?? "";
        }
    }
}
