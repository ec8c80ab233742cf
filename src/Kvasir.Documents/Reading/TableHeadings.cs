namespace Kvasir.Documents.Reading;

/// <summary>
/// Whether the first row of a table holds headings. Most files have them, so short words count as such; numbers, years and dates do where
/// the values below are of another kind (2020 above 5), or where they count the columns (1, 2, 3 beside a name).
/// </summary>
internal static class TableHeadings
{
    private const int LongestHeading = 80;
    private const string Figures = " .,:/'+-()%€$£";

    private enum ValueKind
    {
        Word,
        Number,
        Quantity,
        Year,
        Date,
        Address,
    }

    /// <param name="first">The row in question.</param>
    /// <param name="below">Some of the rows that follow it.</param>
    public static bool IsHeadings(string[] first, string[][] below)
    {
        string[] named = [.. first.Where(value => value.Length > 0)];
        bool distinct = named.Length == 1 || named.Distinct(StringComparer.OrdinalIgnoreCase).Skip(1).Any();
        bool full = named.Length * 2 > first.Length || named.Length == first.Length - 1;
        return full && distinct && named.All(value => value.Length <= LongestHeading && KindOf(value) != ValueKind.Address)
            && (CountsColumns(first, below) || !first.Where((_, column) => IsLikeBelow(first, below, column)).Any());
    }

    /// <summary>Whether a column has a word above figures alone.</summary>
    public static bool Contrasts(string[] first, string[][] below) =>
        first.Where((value, column) =>
            KindOf(value) == ValueKind.Word && below.All(row => column < row.Length && KindOf(row[column]) != ValueKind.Word)).Any();

    /// <summary>Whether a value is a datum like one below it.</summary>
    private static bool IsLikeBelow(string[] first, string[][] below, int column)
    {
        if (first[column].Length == 0 || KindOf(first[column]) is var kind && kind == ValueKind.Word) return false;
        return below.Any(row => column < row.Length && row[column].Length > 0 && KindOf(row[column]) == kind);
    }

    /// <summary>
    /// Whether the row's numbers, beside a name or an empty corner, go up by one, and those of no row below do so from the same start.
    /// </summary>
    private static bool CountsColumns(string[] first, string[][] below)
    {
        int[] numbers = Numbers(first);
        return numbers.Length > 1 && KindOf(first[0]) == ValueKind.Word
            && first.All(value => KindOf(value) is ValueKind.Word or ValueKind.Number or ValueKind.Year)
            && (numbers[0] is 0 or 1 || KindOf(first[^1]) == ValueKind.Year)
            && numbers.Select((number, i) => number - i).Distinct().Count() == 1
            && !below.Any(row => Numbers(row).SequenceEqual(numbers))
            && below.Count(row => row.Skip(1).All(value => KindOf(value) == ValueKind.Year)) * 2 <= below.Length - 1;
    }

    private static int[] Numbers(string[] row) =>
        [.. row.Skip(1).Select(value => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1)
            .Where(number => number >= 0)];

    private static ValueKind KindOf(string value) =>
        value.Length == 4 && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int year)
            && year is >= 1500 and < 2200 ? ValueKind.Year
        : value.Contains('@', StringComparison.Ordinal) || value.Contains("://", StringComparison.Ordinal) ? ValueKind.Address
        : !value.Any(char.IsAsciiDigit) ? ValueKind.Word
        : value.All(c => char.IsAsciiDigit(c) || Figures.Contains(c))
            ? value.AsSpan(1).ContainsAny('-', '/', ':') ? ValueKind.Date : ValueKind.Number
        : DateTime.TryParse(value, CultureInfo.InvariantCulture, out _) ? ValueKind.Date
        : char.IsAsciiDigit(value[0]) ? ValueKind.Quantity
        : ValueKind.Word;
}
