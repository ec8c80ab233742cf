namespace Kvasir.Generation;

/// <summary>
/// Ends a streamed text at the first stop string, wherever token borders fall: text that may still become a stop string is held back.
/// </summary>
public sealed class StopMatcher
{
    private readonly string[] _stops;
    private string _held = "";

    /// <summary>A matcher for these strings.</summary>
    public StopMatcher(IEnumerable<string> stops) => _stops = [.. stops.Where(stop => stop.Length > 0)];

    /// <summary>Whether a stop string has appeared.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Adds text and returns what is certain to lie before any stop string.</summary>
    public string Add(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Stopped || text.Length == 0) return "";
        if (_stops.Length == 0) return text;
        string all = _held.Length == 0 ? text : _held + text;
        int first = FirstStop(all);
        if (first >= 0)
        {
            Stopped = true;
            _held = "";
            return all[..first];
        }

        int held = HeldLength(all);
        _held = all[^held..];
        return held == 0 ? all : all[..^held];
    }

    /// <summary>At the end of the text: what was held back.</summary>
    public string Finish()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    private int FirstStop(string text)
    {
        int first = -1;
        foreach (string stop in _stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first)) first = at;
        }

        return first;
    }

    /// <summary>The length of the longest end of the text that a stop string begins with.</summary>
    private int HeldLength(string text)
    {
        int longest = 0;
        foreach (string stop in _stops)
        {
            for (int length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))) longest = length;
            }
        }

        return longest;
    }
}
