namespace Kvasir.Tokenization;

/// <summary>A set of characters: all of some classes, and code point ranges.</summary>
internal sealed class RuneSet
{
    private readonly CharClass _classes;
    private readonly int[] _bounds;

    /// <summary>All characters of the classes, and of the ranges: first and last of each, one after another.</summary>
    public RuneSet(CharClass classes, string ranges = "")
    {
        _classes = classes;
        _bounds = [.. ranges.EnumerateRunes().Select(rune => rune.Value)];
        if (_bounds.Length % 2 != 0)
            throw new ArgumentException("Ranges need a first and a last character each.", nameof(ranges));
    }

    /// <summary>Whether <paramref name="rune"/> belongs.</summary>
    public bool Contains(Rune rune)
    {
        if ((CharClasses.Of(rune) & _classes) != 0) return true;
        for (int i = 0; i < _bounds.Length; i += 2)
        {
            if (rune.Value >= _bounds[i] && rune.Value <= _bounds[i + 1]) return true;
        }
        return false;
    }
}
