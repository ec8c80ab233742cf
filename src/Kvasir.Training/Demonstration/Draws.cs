using Kvasir.Training.Data;

namespace Kvasir.Training.Demonstration;

/// <summary>All that is left to chance in an example, and the values that its prompt has already.</summary>
/// <param name="split">Whether for training or the test.</param>
/// <param name="seed">What all examples depend on.</param>
/// <param name="stream">The example.</param>
/// <param name="openWords">Words that take the place of some values; null for none.</param>
internal sealed class Draws(Split split, ulong seed, ulong stream, OpenWords? openWords = null)
{
    /// <summary>Of the values without digits, so many in a hundred are open words instead.</summary>
    private const int OpenPercent = 35;

    /// <summary>One value in so many is kept from training.</summary>
    private const uint UnseenShare = 8;

    /// <summary>
    /// After so many tries a value may be one of another document, after twice as many any: there are but seven days in a week.
    /// </summary>
    private const int TriesForNew = 30;

    /// <summary>Types with as many lines keep in step (the currency); 5, 6, 7 or 11 lines do so independently of each other.</summary>
    private const int Styles = 5 * 6 * 7 * 11;

    private const int MostTries = 10_000;

    private static readonly Dictionary<string, string> s_none = [];

    private string _used = "";
    private SeededRandom _random = new(seed, stream);
    private int _style, _usedBefore;

    public Split Split => split;

    public int Below(int count) => _random.Below(count);

    public int Between(int least, int most) => least + _random.Below(most - least + 1);

    public bool Chance(int percent) => _random.Below(100) < percent;

    public T Pick<T>(IReadOnlyList<T> from) => from[_random.Below(from.Count)];

    public T[] Shuffled<T>(IReadOnlyList<T> items)
    {
        int[] order = [.. Enumerable.Range(0, items.Count)];
        _random.Shuffle(order);
        return [.. order.Select(i => items[i])];
    }

    public void BeginPrompt() => _used = "";

    public void BeginDocument() => (_style, _usedBefore) = (Below(Styles), _used.Length);

    /// <summary>A value of this split that this prompt does not have yet.</summary>
    public string Value(string typeName, IReadOnlyDictionary<string, string> subjects)
    {
        ValueType type = ValueGrammar.Shared[typeName];
        for (int tries = 0; tries < MostTries; tries++)
        {
            string value = Alternative(type, subjects);
            if (openWords is not null && !value.Any(char.IsDigit) && Chance(OpenPercent)) value = openWords.InPlaceOf(value, this);
            bool inSplit = !type.HasUnseen || IsUnseen(value) == (split == Split.Test);
            bool mayRepeat = type.MayRepeat || tries >= 2 * TriesForNew;
            if (!inSplit || !mayRepeat && Holds(_used.AsSpan(tries < TriesForNew ? 0 : _usedBefore), value)) continue;
            _used += "\n" + value;
            return value;
        }

        throw new InvalidOperationException($"no value of type {typeName} is left");
    }

    /// <summary>Puts values in for what stands in braces; what is not among them is drawn.</summary>
    public string Fill(string wording, IReadOnlyDictionary<string, string> values) => Wording.Of(wording).Filled(
        name => values.TryGetValue(name, out string? value) ? value : Alternative(ValueGrammar.Shared[name], values), Below);

    public static string Capitalised(string text) => string.Concat(text[..1].ToUpperInvariant(), text.AsSpan(1));

    /// <summary>Whether a text holds another as whole words, in capitals or not.</summary>
    public static bool Holds(ReadOnlySpan<char> text, string part)
    {
        for (int at = 0, next; (next = text[at..].IndexOf(part, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            at += next;
            int end = at + part.Length;
            if ((at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end]))) return true;
        }

        return false;
    }

    /// <summary>Whether a value is kept from training: by its own hash (FNV-1a), so that no list is needed.</summary>
    public static bool IsUnseen(string value)
    {
        uint hash = 2166136261;
        foreach (char c in value.ToLowerInvariant()) hash = (hash ^ c) * 16777619;
        return (hash ^ (hash >> 16)) % UnseenShare == 0;
    }

    /// <summary>One of its alternatives, whose braces name subjects only where the type is made of them.</summary>
    private string Alternative(ValueType type, IReadOnlyDictionary<string, string> subjects)
    {
        string[] alternatives = type.IsSticky ? type.Lines[_style % type.Lines.Count] : type.All;
        return Fill(Pick(alternatives), type.MayRepeat ? subjects : s_none);
    }
}
