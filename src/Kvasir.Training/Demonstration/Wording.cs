using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Kvasir.Training.Demonstration;

/// <summary>
/// Text with braces, each of which holds a name, with <c>^</c> before it for a capital letter, or a range of numbers (<c>{00..55/5}</c>:
/// every fifth, of two digits).
/// </summary>
internal sealed partial class Wording
{
    private static readonly ConcurrentDictionary<string, Wording> s_parsed = new(StringComparer.Ordinal);

    private readonly List<Part> _parts = [];

    private Wording(string text)
    {
        int at = 0;
        foreach (Match brace in Brace().Matches(text))
        {
            string low = brace.Groups["low"].Value;
            int step = brace.Groups["step"] is { Success: true } given ? Number(given.Value) : 1;
            _parts.Add(low.Length == 0
                ? new Part(text[at..brace.Index], brace.Groups["name"].Value, brace.Groups["up"].Success, 0, 0, 0, "")
                : new Part(text[at..brace.Index], null, false, Number(low), step,
                    (Number(brace.Groups["high"].Value) - Number(low)) / step + 1, low[0] == '0' ? $"D{low.Length}" : "D"));
            at = brace.Index + brace.Length;
        }

        Ending = text[at..];
    }

    private string Ending { get; }

    public static Wording Of(string text) => s_parsed.GetOrAdd(text, static text => new Wording(text));

    /// <summary>The text with what <paramref name="named"/> gives for names and numbers that <paramref name="below"/> draws.</summary>
    public string Filled(Func<string, string> named, Func<int, int> below)
    {
        var text = new StringBuilder();
        foreach (Part part in _parts)
        {
            text.Append(part.Before);
            int start = text.Length;
            if (part.Name is { } name) text.Append(named(name));
            else text.Append((part.First + part.Step * below(part.Count)).ToString(part.Format, CultureInfo.InvariantCulture));
            if (part.IsCapital) text[start] = char.ToUpperInvariant(text[start]);
        }

        return text.Append(Ending).ToString();
    }

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{(?<up>\^)?((?<low>\d+)\.\.(?<high>\d+)(/(?<step>\d+))?|(?<name>\w+))\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Brace();

    /// <summary>A brace and the text before it: a name, or numbers from the first one on.</summary>
    private sealed record Part(string Before, string? Name, bool IsCapital, int First, int Step, int Count, string Format);
}
