using System.Text;

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

    /// <summary>Replaces at most <paramref name="count"/> occurrences; all where it is negative. An empty text stands between all characters.</summary>
    public static string Replace(RenderContext context, string text, string old, string replacement, long count)
    {
        context.ChargeSearch(text, old);
        if (old.Length == 0)
        {
            return Spread(context, text, replacement, count);
        }

        var result = new StringBuilder();
        int at = 0;
        for (int next = text.IndexOf(old, StringComparison.Ordinal); next >= 0 && count != 0; next = text.IndexOf(old, at, StringComparison.Ordinal), count--)
        {
            result.Append(text, at, next - at).Append(replacement);
            context.Room(result.Length);
            at = next + old.Length;
        }

        return at == 0 ? text : result.Append(text, at, text.Length - at).ToString();
    }

    public static string Indent(RenderContext context, string text, BoundArguments arguments)
    {
        const int MaxWidth = 1000;
        string margin = arguments.Get(0, 4L) as string ?? new string(' ', (int)Math.Clamp(arguments.Integer(0, 4), 0, MaxWidth));
        bool first = arguments.Flag(1);
        bool blank = arguments.Flag(2);
        string[] lines = text.Split('\n');
        var result = new StringBuilder();
        for (int i = 0; i < lines.Length; i++)
        {
            bool indents = i == 0 ? first : blank || lines[i].Length > 0;
            result.Append(i > 0 ? "\n" : "").Append(indents ? margin : "").Append(lines[i]);
            context.Room(result.Length);
        }

        return result.ToString();
    }

    private static string Spread(RenderContext context, string text, string separator, long count)
    {
        context.Charge(text.Length);
        string[] points = PythonText.CodePoints(text);
        long left = count < 0 ? long.MaxValue : count;
        var result = new StringBuilder();
        foreach (string point in points)
        {
            result.Append(left-- > 0 ? separator : "").Append(point);
            context.Room(result.Length);
        }

        return result.Append(left > 0 ? separator : "").ToString();
    }
}
