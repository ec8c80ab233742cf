namespace Kvasir.Tokenization.Jinja;

/// <summary>Methods of strings, by name.</summary>
internal static class StringMethods
{
    public static readonly BuiltinTable Table = new("{0}()")
    {
        { "capitalize", "", c => LetterCase.Capitalize(c.Text) },
        { "casefold", "", c => LetterCase.Fold(c.Text) },
        { "center", "width fillchar?", c => Center(c, c.Integer(0), Fill(c)) },
        { "count", "sub start? end?", TextSearch.Count },
        { "endswith", "suffix start? end?", c => TextSearch.Matches(c, (text, part) => text.EndsWith(part, StringComparison.Ordinal)) },
        { "expandtabs", "tabsize?", ExpandTabs },
        { "find", "sub start? end?", c => TextSearch.Find(c, last: false, needed: false) },
        { "format", "*", c => BraceFormat.Apply(c.Context, c.Text, c.Given) },
        { "format_map", "mapping", c => BraceFormat.Apply(c.Context, c.Text, Named(c)) },
        { "index", "sub start? end?", c => TextSearch.Find(c, last: false, needed: true) },
        { "isalnum", "", c => Every(c, rune => Rune.IsLetter(rune) || IsNumeric(rune)) },
        { "isalpha", "", c => Every(c, Rune.IsLetter) },
        { "isascii", "", c => Ascii.IsValid(c.Text) },
        { "isdecimal", "", c => Every(c, rune => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber) },
        { "isdigit", "", c => Every(c, rune => CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0) },
        { "isidentifier", "", c => Every(c, IsNamePart) && !char.IsDigit(c.Text[0]) },
        { "islower", "", c => LetterCase.IsLower(c.Text) },
        { "isnumeric", "", c => Every(c, IsNumeric) },
        { "isprintable", "", c => c.Text.Length == 0 || Every(c, Representation.IsPrintable) },
        { "isspace", "", c => Every(c, rune => rune.IsBmp && PythonText.IsSpace((char)rune.Value)) },
        { "istitle", "", c => LetterCase.IsTitle(c.Text) },
        { "isupper", "", c => LetterCase.IsUpper(c.Text) },
        { "join", "iterable", Join },
        { "ljust", "width fillchar?", c => c.Text + Pad(c, c.Integer(0), Fill(c)) },
        { "lower", "", c => LetterCase.Lower(c.Text) },
        { "lstrip", "chars?", c => PythonText.Strip(c.Text, c.StringOr(0), start: true, end: false) },
        { "partition", "sep", c => TextSearch.Partition(c, last: false) },
        { "removeprefix", "prefix", c => c.Text.StartsWith(c.String(0), StringComparison.Ordinal) ? c.Text[c.String(0).Length..] : c.Text },
        { "removesuffix", "suffix", c => c.Text.EndsWith(c.String(0), StringComparison.Ordinal) ? c.Text[..^c.String(0).Length] : c.Text },
        { "replace", "old new count?", c => TextSearch.Replace(c.Context, c.Text, c.String(0), c.String(1), c.Integer(2, -1)) },
        { "rfind", "sub start? end?", c => TextSearch.Find(c, last: true, needed: false) },
        { "rindex", "sub start? end?", c => TextSearch.Find(c, last: true, needed: true) },
        { "rjust", "width fillchar?", c => Pad(c, c.Integer(0), Fill(c)) + c.Text },
        { "rpartition", "sep", c => TextSearch.Partition(c, last: true) },
        { "rsplit", "sep? maxsplit?", c => Splitting.Split(c, fromEnd: true) },
        { "rstrip", "chars?", c => PythonText.Strip(c.Text, c.StringOr(0), start: false, end: true) },
        { "split", "sep? maxsplit?", c => Splitting.Split(c, fromEnd: false) },
        { "splitlines", "keepends?", c => new Sequence([.. Splitting.Lines(c.Context, c.Text, c.Flag(0))]) },
        { "startswith", "prefix start? end?", c => TextSearch.Matches(c, (text, part) => text.StartsWith(part, StringComparison.Ordinal)) },
        { "strip", "chars?", c => PythonText.Strip(c.Text, c.StringOr(0), start: true, end: true) },
        { "swapcase", "", c => LetterCase.Swap(c.Text) },
        { "title", "", c => LetterCase.Title(c.Text) },
        { "translate", "table", Translate },
        { "upper", "", c => LetterCase.Upper(c.Text) },
        { "zfill", "width", ZeroFill },
    };

    /// <summary>The text in the middle of <paramref name="width"/> places, odd ones as Python deals them.</summary>
    public static string Center(Call call, long width, char fill)
    {
        string padding = Pad(call, width, fill);
        int left = (padding.Length / 2) + (int)(padding.Length & width & 1);
        return padding[..left] + call.Text + padding[left..];
    }

    private static char Fill(Call call) => call.StringOr(1, " ")! is { Length: 1 } fill
        ? fill[0] : throw call.Fail("the fill must be one character");

    private static string Pad(Call call, long width, char fill) =>
        new(fill, call.Context.Room(Math.Max(0, width - PythonText.Length(call.Text)) + call.Text.Length) - call.Text.Length);

    private static bool Every(Call call, Func<Rune, bool> holds)
    {
        call.Context.Charge(call.Text.Length / 4);
        return call.Text.Length > 0 && call.Text.EnumerateRunes().All(holds);
    }

    private static bool IsNamePart(Rune rune) =>
        rune.Value == '_' || Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.LetterNumber;

    private static bool IsNumeric(Rune rune) =>
        Rune.GetNumericValue(rune) >= 0 || "一二三四五六七八九十百千万億兆零〇".Contains(rune.ToString(), StringComparison.Ordinal);

    private static Arguments Named(Call call) => call[0] is Mapping mapping
        ? new([], mapping.Entries.Where(entry => entry.Key is string).ToDictionary(entry => (string)entry.Key!, entry => entry.Value))
        : throw call.Fail("it needs a dictionary");

    private static string ExpandTabs(Call call)
    {
        long size = Math.Max(0, call.Integer(0, 8));
        var result = new StringBuilder();
        int column = 0;
        foreach (string point in PythonText.CodePoints(call.Text))
        {
            int spaces = point == "\t" ? size == 0 ? 0 : (int)Math.Min(size - (column % size), int.MaxValue) : 0;
            call.Context.Room(result.Length + (long)spaces);
            result.Append(point == "\t" ? new string(' ', spaces) : point);
            column = point is "\n" or "\r" ? 0 : column + (point == "\t" ? spaces : 1);
        }

        return result.ToString();
    }

    private static string Join(Call call)
    {
        if (call[0] is Undefined undefined) throw undefined.Fail();
        return Joined(call.Context, call.Text, Iteration.List(call.Context, call[0])
            .Select(item => item as string ?? throw call.Fail($"it takes strings, not {Operations.TypeName(item)}")));
    }

    public static string Joined(RenderContext context, string separator, IEnumerable<string> texts)
    {
        var result = new StringBuilder();
        bool first = true;
        foreach (string text in texts)
        {
            context.Room(result.Length + (long)separator.Length + text.Length);
            result.Append(first ? "" : separator).Append(text);
            first = false;
        }

        return result.ToString();
    }

    private static string Translate(Call call)
    {
        Mapping table = call[0] as Mapping ?? throw call.Fail("it needs a dictionary");
        call.Context.Charge(call.Text.Length);
        var result = new StringBuilder();
        foreach (Rune rune in call.Text.EnumerateRunes())
        {
            object? mapped = table.TryGet((long)rune.Value, out object? found) ? found ?? "" : rune.ToString();
            string? text = mapped is long code and >= 0 and < 0xD800 ? ((char)code).ToString() : mapped as string;
            result.Append(text ?? throw call.Fail("the dictionary must give strings or code points"));
            call.Context.Room(result.Length);
        }

        return result.ToString();
    }

    private static string ZeroFill(Call call)
    {
        string text = call.Text, zeros = Pad(call, call.Integer(0), '0');
        return text is ['-' or '+', ..] ? text[..1] + zeros + text[1..] : zeros + text;
    }
}
