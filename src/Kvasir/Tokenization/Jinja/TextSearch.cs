namespace Kvasir.Tokenization.Jinja;

/// <summary>Looking for texts in texts. Places are counted in code points.</summary>
internal static class TextSearch
{
    /// <summary><c>find</c>, <c>rfind</c>, <c>index</c>, <c>rindex</c> (sub, start, end).</summary>
    public static object? Find(Call call, bool last, bool needed)
    {
        string part = call.String(0);
        (string? text, int from) = Searched(call);
        if (text is null) return needed ? throw call.Fail("the text is not in the string") : -1L;
        call.Context.ChargeSearch(text, part);
        int at = last ? text.AsSpan().LastIndexOf(part) : text.AsSpan().IndexOf(part);
        return at >= 0 ? PythonText.Length(call.Text[..(from + at)]) : needed ? throw call.Fail("the text is not in the string") : -1L;
    }

    /// <summary><c>count(sub, start, end)</c>.</summary>
    public static object? Count(Call call)
    {
        string part = call.String(0);
        if (Searched(call).Text is not { } text) return 0L;
        call.Context.ChargeSearch(text, part);
        return part.Length == 0 ? PythonText.Length(text) + 1L : text.AsSpan().Count(part);
    }

    /// <summary><c>startswith</c> and <c>endswith</c> (one text or a tuple of them, start, end).</summary>
    public static object? Matches(Call call, Func<string, string, bool> holds)
    {
        string? text = Searched(call).Text;
        call.Context.Charge((call[0] as Sequence)?.Items.Count ?? 0);
        return call[0] switch
        {
            string part => text is not null && holds(text, part),
            Sequence { Kind: SequenceKind.Tuple } tuple => tuple.Items.Any(item =>
            {
                call.Context.ChargeText(item);
                return text is not null
                    && holds(text, item as string ?? throw call.Fail($"it takes strings, not {Operations.TypeName(item)}"));
            }),
            Undefined undefined => throw undefined.Fail(),
            _ => throw call.Fail($"it takes a string or a tuple of strings, not {Operations.TypeName(call[0])}"),
        };
    }

    /// <summary><c>partition(sep)</c> and <c>rpartition</c>.</summary>
    public static Sequence Partition(Call call, bool last)
    {
        string text = call.Text, separator = call.String(0);
        if (separator.Length == 0) throw call.Fail("the separator is empty");
        call.Context.ChargeSearch(text, separator);
        int at = last ? text.AsSpan().LastIndexOf(separator) : text.AsSpan().IndexOf(separator);
        return at >= 0 ? Sequence.Tuple(text[..at], separator, text[(at + separator.Length)..])
            : last ? Sequence.Tuple("", "", text)
            : Sequence.Tuple(text, "", "");
    }

    /// <summary>Replaces at most <paramref name="count"/> occurrences (all: negative). An empty text stands between characters.</summary>
    public static string Replace(RenderContext context, string text, string old, string replacement, long count)
    {
        context.ChargeSearch(text, old);
        var result = new StringBuilder();
        int at = 0;
        for (int from = 0; count != 0 && from <= text.Length; count--)
        {
            int found = text.AsSpan(from).IndexOf(old);
            if (found < 0) break;
            context.Charge(1);
            context.Room(result.Length + (long)found + replacement.Length);
            result.Append(text, at, from + found - at).Append(replacement);
            at = from + found + old.Length;
            from = old.Length > 0 ? at : at + (at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1);
        }

        context.Room(result.Length + (long)(text.Length - at));
        return result.Append(text, at, text.Length - at).ToString();
    }

    /// <summary>The text between the second and third argument, and where it begins; null where that is beyond the end.</summary>
    private static (string? Text, int From) Searched(Call call)
    {
        if (call.Get(1) is long start && start > PythonText.Length(call.Text)) return (null, 0);
        (int from, int to) = PythonText.Range(call.Text, call.Get(1), call.Get(2));
        return (call.Text[from..to], from);
    }
}
