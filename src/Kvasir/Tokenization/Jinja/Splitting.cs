using System.Buffers;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Cutting texts into words, lines and parts.</summary>
internal static class Splitting
{
    private static readonly SearchValues<char> s_lineEnds = SearchValues.Create("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029");

    /// <summary><c>split(sep, maxsplit)</c> and <c>rsplit</c>; at white space where there is no separator.</summary>
    public static Sequence Split(Call call, bool fromEnd)
    {
        string text = call.Text;
        string? separator = call.StringOr(0);
        long most = call.Integer(1, -1);
        if (separator is { Length: 0 }) throw call.Fail("the separator is empty");
        call.Context.Text(text);
        if (separator is not null) call.Context.ChargeSearch(text, separator);
        var parts = new List<object?>();
        int from = 0, to = text.Length;
        while (true)
        {
            if (separator is null) Trim(text, ref from, ref to, fromEnd);
            if (separator is null && from == to) break;
            int at = most >= 0 && parts.Count >= most ? -1 : Border(text, separator, from, to, fromEnd);
            call.Context.Charge(1);
            parts.Add(at < 0 ? text[from..to] : fromEnd ? text[(at + (separator?.Length ?? 1))..to] : text[from..at]);
            if (at < 0) break;
            (from, to) = fromEnd ? (from, at) : (at + (separator?.Length ?? 1), to);
        }

        if (fromEnd) parts.Reverse();
        return new Sequence(parts);
    }

    /// <summary>The lines of a text (<c>splitlines</c>).</summary>
    public static IEnumerable<string> Lines(RenderContext context, string text, bool keepEnds = false)
    {
        context.Text(text);
        for (int start = 0; start < text.Length;)
        {
            context.Charge(1);
            int end = text.AsSpan(start).IndexOfAny(s_lineEnds);
            int stop = end < 0 ? text.Length : start + end;
            int next = end < 0 ? text.Length : text[stop] == '\r' && stop + 1 < text.Length && text[stop + 1] == '\n' ? stop + 2 : stop + 1;
            yield return text[start..(keepEnds ? next : stop)];
            start = next;
        }
    }

    private static void Trim(string text, ref int from, ref int to, bool fromEnd)
    {
        while (from < to && !fromEnd && PythonText.IsSpace(text[from])) from++;
        while (to > from && fromEnd && PythonText.IsSpace(text[to - 1])) to--;
    }

    private static int Border(string text, string? separator, int from, int to, bool fromEnd)
    {
        ReadOnlySpan<char> rest = text.AsSpan(from, to - from);
        int at = -1;
        if (separator is not null) at = fromEnd ? rest.LastIndexOf(separator) : rest.IndexOf(separator);
        else if (fromEnd)
        {
            at = rest.Length - 1;
            while (at >= 0 && !PythonText.IsSpace(rest[at])) at--;
        }
        else
        {
            at = 0;
            while (at < rest.Length && !PythonText.IsSpace(rest[at])) at++;
            at = at == rest.Length ? -1 : at;
        }

        return at < 0 ? -1 : at + from;
    }
}
