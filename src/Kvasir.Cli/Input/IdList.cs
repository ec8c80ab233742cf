namespace Kvasir.Cli.Input;

/// <summary>Lists of numbers as they are written on a command line: 1,2,3 or 1 2 3.</summary>
internal static class IdList
{
    private static readonly char[] Separators = [',', ' ', '\t', '\r', '\n', '[', ']'];

    /// <exception cref="InvalidInputException">A part is not a number of 0 or more, or there is none.</exception>
    public static int[] Parse(string text, string what)
    {
        string[] parts = text.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0) throw new InvalidInputException($"{what} is empty; give numbers such as 1,2,3");
        var numbers = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                throw new InvalidInputException($"{what}: '{parts[i]}' is not a number of 0 or more");
        }

        return numbers;
    }

    /// <exception cref="InvalidInputException">As <see cref="Parse"/>, or an id outside the vocabulary.</exception>
    public static int[] ParseIds(string text, string what, int vocabulary)
    {
        int[] ids = Parse(text, what);
        int wrong = Array.FindIndex(ids, id => id >= vocabulary);
        return wrong < 0 ? ids : throw new InvalidInputException($"{what}: {ids[wrong]} is outside the vocabulary of {vocabulary} ids");
    }
}
