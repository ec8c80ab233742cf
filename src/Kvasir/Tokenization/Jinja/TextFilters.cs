using System.Net;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Filters that turn one text into another.</summary>
internal static class TextFilters
{
    public static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal)
        .Replace("\"", "&#34;", StringComparison.Ordinal);

    public static object? Indent(Call call)
    {
        string text = call.Target as string ?? throw call.FailTarget();
        long width = call.Get(0) is string ? 0 : Math.Max(0, call.Integer(0, 4));
        string margin = call.Get(0) as string ?? new string(' ', call.Context.Room(width));
        bool blank = call.Flag(2), first = true;
        var result = new StringBuilder(call.Flag(1) ? margin : "");
        foreach (string line in Splitting.Lines(call.Context, text + "\n"))
        {
            call.Context.Room(result.Length + (long)margin.Length + line.Length);
            result.Append(first ? "" : "\n").Append(!first && (blank || line.Length > 0) ? margin : "").Append(line);
            first = false;
        }

        return result.ToString();
    }

    /// <summary>Cuts a text that is longer than <c>length</c> by more than <c>leeway</c>, at a blank unless words may be cut.</summary>
    public static object? Truncate(Call call)
    {
        string end = call.StringOr(2, "...")!;
        long length = call.Integer(0, 255), leeway = call.Integer(3, 5);
        if (length < PythonText.Length(end)) throw call.Fail($"it cannot cut to {length} characters, fewer than what marks the cut");
        if (Iteration.Length(call.Target) <= length + leeway) return call.Target;
        string text = call.Target as string ?? throw call.FailTarget();
        string cut = text[..PythonText.Range(text, null, length - PythonText.Length(end)).To];
        int space = call.Flag(1) ? -1 : cut.LastIndexOf(' ');
        return (space < 0 ? cut : cut[..space]) + end;
    }

    /// <summary>Runs of letters, numbers and underscores; marks are none of these, as in Python's <c>\w</c>.</summary>
    public static object? CountWords(Call call)
    {
        call.Context.Charge(call.Text.Length / 4);
        long words = 0;
        bool inWord = false;
        foreach (Rune rune in call.Text.EnumerateRunes())
        {
            bool belongs = rune.Value == '_' || Rune.IsLetter(rune) || Rune.IsNumber(rune);
            words += belongs && !inWord ? 1 : 0;
            inWord = belongs;
        }

        return words;
    }

    /// <summary>A number of bytes in words.</summary>
    public static object? FileSize(Call call)
    {
        double bytes = call.Target is string text ? Numbers.ParseFloat(text) ?? throw call.FailTarget()
            : Numbers.TryDouble(call.Target, out double number) ? number : throw call.FailTarget();
        double unit = call.Flag(0) ? 1024 : 1000;
        if (bytes == 1) return "1 Byte";
        if (bytes < unit && double.IsFinite(bytes)) return $"{Numbers.Of(new System.Numerics.BigInteger(bytes))} Bytes";
        string[] names = call.Flag(0)
            ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        double size = bytes / unit;
        int name = 0;
        for (; size >= unit && name < names.Length - 1; name++) size = bytes / Math.Pow(unit, name + 2);
        return $"{FloatText.Fixed(size, 1)} {names[name]}";
    }

    /// <summary>Without comments and tags, white space as single blanks, entities as characters.</summary>
    public static object? StripTags(Call call)
    {
        string text = Without(Without(call.Text, "<!--", "-->"), "<", ">");
        return WebUtility.HtmlDecode(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
    }

    /// <summary>A text, or the pairs of a dictionary or list as a query.</summary>
    public static object? UrlEncode(Call call)
    {
        if (call.Target is not (Mapping or Sequence or Generator)) return Quote(call, call.Target, keepsSlash: true);
        IEnumerable<object?> pairs = call.Target is Mapping mapping ? mapping.Pairs : Iteration.Items(call.Context, call.Target);
        return StringMethods.Joined(call.Context, "&", pairs.Select(pair => Iteration.List(call.Context, pair) is [var key, var value]
            ? $"{Quote(call, key, keepsSlash: false)}={Quote(call, value, keepsSlash: false)}"
            : throw call.Fail("it needs pairs of a name and a value")));
    }

    public static object? XmlAttributes(Call call)
    {
        Mapping mapping = call.Target as Mapping ?? throw call.FailTarget();
        IEnumerable<KeyValuePair<object?, object?>> given = mapping.Entries.Where(entry => entry.Value is not (null or Undefined));
        string attributes = StringMethods.Joined(call.Context, " ", given.Select(entry =>
        {
            string name = Representation.Text(call.Context, entry.Key);
            return name.Any(c => c is '/' or '>' or '=' || PythonText.IsSpace(c))
                ? throw call.Fail("the name of an attribute has a character that it cannot have")
                : $"{Escape(name)}=\"{Escape(Representation.Text(call.Context, entry.Value))}\"";
        }));
        return (call.Flag(0, true) && attributes.Length > 0 ? " " : "") + attributes;
    }

    private static string Without(string text, string open, string close)
    {
        var result = new StringBuilder(text.Length);
        int at = 0;
        for (int start = text.IndexOf(open, StringComparison.Ordinal); start >= 0; start = text.IndexOf(open, at, StringComparison.Ordinal))
        {
            int end = text.IndexOf(close, start, StringComparison.Ordinal);
            if (end < 0) break;
            result.Append(text, at, start - at);
            at = end + close.Length;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    private static string Quote(Call call, object? value, bool keepsSlash)
    {
        string text = Representation.Text(call.Context, value);
        call.Context.Room(text.Length * 9L);
        string quoted = Uri.EscapeDataString(text);
        return keepsSlash ? quoted.Replace("%2F", "/", StringComparison.Ordinal) : quoted.Replace("%20", "+", StringComparison.Ordinal);
    }
}
