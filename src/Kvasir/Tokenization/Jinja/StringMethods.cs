using System.Buffers;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Methods of strings.</summary>
internal static class StringMethods
{
    private static readonly SearchValues<char> s_lineEnds = SearchValues.Create("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029");

    /// <summary>The method bound to <paramref name="text"/>, or null where strings have none of this name.</summary>
    public static Callable? Find(string text, string name)
    {
        Function Make(string[] parameters, Func<RenderContext, BoundArguments, object?> body) => new(name, parameters, (context, a) =>
        {
            context.ChargeText(text);
            return body(context, a);
        });
        Function Change(Func<string, string> body) => Make([], (context, _) => context.Text(body(text)));
        Function Check(Func<char, bool> holds) => Make([], (_, _) => text.Length > 0 && text.All(holds));
        Function Strip(bool start, bool end) => Make(["chars"], (context, a) => context.Text(PythonText.Strip(text, a.TextOrNull(0), start, end)));

        return name switch
        {
            "strip" => Strip(start: true, end: true),
            "lstrip" => Strip(start: true, end: false),
            "rstrip" => Strip(start: false, end: true),
            "upper" => Change(PythonText.Upper),
            "lower" or "casefold" => Change(PythonText.Lower),
            "title" => Change(PythonText.Title),
            "capitalize" => Change(PythonText.Capitalize),
            "split" => Make(["sep", "maxsplit"], (context, a) => Split(context, text, a.TextOrNull(0), a.Integer(1, -1), fromEnd: false)),
            "rsplit" => Make(["sep", "maxsplit"], (context, a) => Split(context, text, a.TextOrNull(0), a.Integer(1, -1), fromEnd: true)),
            "splitlines" => Make(["keepends"], (context, a) => Lines(context, text, a.Flag(0))),
            "partition" => Make(["sep"], (context, a) => Partition(context, text, a.Text(0))),
            "startswith" => Make(["prefix"], (_, a) => Any(a[0], part => text.StartsWith(part, StringComparison.Ordinal))),
            "endswith" => Make(["suffix"], (_, a) => Any(a[0], part => text.EndsWith(part, StringComparison.Ordinal))),
            "removeprefix" => Make(["prefix"], (context, a) => context.Text(text.StartsWith(a.Text(0), StringComparison.Ordinal) ? text[a.Text(0).Length..] : text)),
            "removesuffix" => Make(["suffix"], (context, a) => context.Text(text.EndsWith(a.Text(0), StringComparison.Ordinal) ? text[..^a.Text(0).Length] : text)),
            "replace" => Make(["old", "new", "count"], (context, a) => context.Text(TextFilters.Replace(context, text, a.Text(0), a.Text(1), a.Integer(2, -1)))),
            "join" => Make(["iterable"], (context, a) => Join(context, text, a[0])),
            "find" => Make(["sub"], (context, a) => Find(context, text, a.Text(0))),
            "rfind" => Make(["sub"], (context, a) => FindLast(context, text, a.Text(0))),
            "index" => Make(["sub"], (context, a) => Find(context, text, a.Text(0)) is >= 0 and long at ? at : throw new InvalidInputException("index(): the text is not in the string")),
            "count" => Make(["sub"], (context, a) => Count(context, text, a.Text(0))),
            "isdigit" or "isdecimal" or "isnumeric" => Check(char.IsDigit),
            "isalpha" => Check(char.IsLetter),
            "isalnum" => Check(char.IsLetterOrDigit),
            "isspace" => Check(PythonText.IsSpace),
            "isupper" => Make([], (_, _) => text.Any(char.IsLetter) && PythonText.Upper(text) == text),
            "islower" => Make([], (_, _) => text.Any(char.IsLetter) && PythonText.Lower(text) == text),
            "zfill" => Make(["width"], (context, a) => ZeroFill(context, text, a.Integer(0))),
            "format" => new Function(name, (context, arguments) => BraceFormat.Apply(context, text, arguments)),
            _ => null,
        };
    }

    private static bool Any(object? parts, Func<string, bool> holds) => parts switch
    {
        string part => holds(part),
        Sequence { Kind: SequenceKind.Tuple } tuple => tuple.Items.Any(part => part is string text && holds(text)),
        Undefined undefined => throw undefined.Fail(),
        _ => throw new InvalidInputException($"startswith() and endswith() take a string or a tuple of strings, not {Operations.TypeName(parts)}"),
    };

    private static long Find(RenderContext context, string text, string part)
    {
        context.ChargeSearch(text, part);
        return Position(text, text.IndexOf(part, StringComparison.Ordinal));
    }

    private static long FindLast(RenderContext context, string text, string part)
    {
        context.ChargeSearch(text, part);
        return Position(text, text.LastIndexOf(part, StringComparison.Ordinal));
    }

    private static long Count(RenderContext context, string text, string part)
    {
        context.ChargeSearch(text, part);
        return part.Length == 0 ? PythonText.Length(text) + 1 : text.AsSpan().Count(part);
    }

    private static long Position(string text, int index) => index < 0 ? -1L : PythonText.Length(text[..index]);

    private static string Join(RenderContext context, string separator, object? items)
    {
        if (items is Undefined undefined)
        {
            throw undefined.Fail();
        }

        string[] texts = [.. Iteration.Items(context, items).Select(item => item as string ?? throw new InvalidInputException($"join() takes strings, not {Operations.TypeName(item)}"))];
        context.Room(texts.Sum(text => (long)text.Length) + (separator.Length * (long)texts.Length));
        return context.Text(string.Join(separator, texts));
    }

    private static Sequence Split(RenderContext context, string text, string? separator, long limit, bool fromEnd)
    {
        if (separator is { Length: 0 })
        {
            throw new InvalidInputException("split() needs a separator that is not empty");
        }

        context.Charge(separator is null ? 0 : Count(context, text, separator));
        List<string> parts = separator is null ? Words(context, text) : [.. text.Split(separator)];
        if (limit >= 0 && parts.Count - 1 > limit)
        {
            parts = separator is null ? LimitedWords(text, (int)limit, fromEnd) : Merge(parts, separator, (int)limit, fromEnd);
        }

        context.Text(text);
        return new Sequence([.. parts]);
    }

    private static List<string> Words(RenderContext context, string text)
    {
        var words = new List<string>();
        int start = -1;
        for (int i = 0; i <= text.Length; i++)
        {
            bool inWord = i < text.Length && !PythonText.IsSpace(text[i]);
            if (inWord && start < 0)
            {
                start = i;
            }
            else if (!inWord && start >= 0)
            {
                context.Charge(1);
                words.Add(text[start..i]);
                start = -1;
            }
        }

        return words;
    }

    /// <summary>The first (or last) words one by one, and the rest as it stands.</summary>
    private static List<string> LimitedWords(string text, int limit, bool fromEnd)
    {
        var words = new List<string>();
        ReadOnlySpan<char> rest = fromEnd ? PythonText.TrimEnd(text) : PythonText.TrimStart(text);
        for (int i = 0; i < limit; i++)
        {
            int edge = fromEnd ? rest.Length : 0;
            while (fromEnd ? !PythonText.IsSpace(rest[edge - 1]) : !PythonText.IsSpace(rest[edge]))
            {
                edge += fromEnd ? -1 : 1;
            }

            words.Add((fromEnd ? rest[edge..] : rest[..edge]).ToString());
            rest = fromEnd ? PythonText.TrimEnd(rest[..edge]) : PythonText.TrimStart(rest[edge..]);
        }

        words.Add(rest.ToString());
        if (fromEnd)
        {
            words.Reverse();
        }

        return words;
    }

    private static List<string> Merge(List<string> parts, string separator, int limit, bool fromEnd)
    {
        int merged = parts.Count - limit;
        return fromEnd
            ? [string.Join(separator, parts.Take(merged)), .. parts.Skip(merged)]
            : [.. parts.Take(limit), string.Join(separator, parts.Skip(limit))];
    }

    private static Sequence Lines(RenderContext context, string text, bool keepEnds)
    {
        var lines = new List<object?>();
        int start = 0;
        while (start < text.Length)
        {
            context.Charge(1);
            int end = text.AsSpan(start).IndexOfAny(s_lineEnds);
            int stop = end < 0 ? text.Length : start + end;
            int next = end < 0 ? text.Length : text[stop] == '\r' && stop + 1 < text.Length && text[stop + 1] == '\n' ? stop + 2 : stop + 1;
            lines.Add(text[start..(keepEnds ? next : stop)]);
            start = next;
        }

        context.Text(text);
        return new Sequence(lines);
    }

    private static Sequence Partition(RenderContext context, string text, string separator)
    {
        context.ChargeSearch(text, separator);
        int at = text.IndexOf(separator, StringComparison.Ordinal);
        return separator.Length == 0 ? throw new InvalidInputException("partition() needs a separator that is not empty")
            : at < 0 ? Sequence.Tuple(text, "", "") : Sequence.Tuple(text[..at], separator, text[(at + separator.Length)..]);
    }

    private static string ZeroFill(RenderContext context, string text, long width)
    {
        context.Room(width);
        int missing = (int)Math.Max(0, width - PythonText.Length(text));
        bool signed = text.StartsWith('-') || text.StartsWith('+');
        return context.Text(signed ? text[0] + new string('0', missing) + text[1..] : new string('0', missing) + text);
    }
}
