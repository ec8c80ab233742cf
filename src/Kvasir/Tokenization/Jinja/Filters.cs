using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>The filters that templates can use, by name.</summary>
internal static class Filters
{
    public static readonly BuiltinTable Table = new("filter '{0}'")
    {
        { "abs", "", Absolute },
        { "attr", "name", c =>
            Lookup.OwnAttribute(c.Context, c.Target, c.String(0), out object? found) ? found : Undefined.Attribute(c.Target, c[0]) },
        { "batch", "linecount fill_with?", SequenceFilters.Batch },
        { "capitalize", "", c => LetterCase.Capitalize(c.Text) },
        { "center", "width?", c => StringMethods.Center(c, c.Integer(0, 80), ' ') },
        { "default d", "default_value? boolean?", c =>
            c.Target is Undefined || (c.Flag(1) && !Operations.IsTrue(c.Target)) ? c.Get(0, "") : c.Target },
        { "dictsort", "case_sensitive? by? reverse?", SequenceFilters.SortMapping },
        { "escape e forceescape", "", c => TextFilters.Escape(c.Text) },
        { "filesizeformat", "binary?", TextFilters.FileSize },
        { "first", "", c =>
            Iteration.Items(c.Context, c.Target).Append(new Undefined("there is no first item: the list is empty")).First() },
        { "float", "default?", ToFloat },
        { "format", "*", Format },
        { "groupby", "attribute default? case_sensitive?", SequenceFilters.GroupBy },
        { "indent", "width? first? blank?", TextFilters.Indent },
        { "int", "default? base?", ToInteger },
        { "items", "", SequenceFilters.Pairs },
        { "join", "d? attribute?", SequenceFilters.Join },
        { "last", "", SequenceFilters.Last },
        { "length count", "", c => Iteration.Length(c.Target) },
        { "list", "", c => new Sequence([.. Iteration.Items(c.Context, c.Target)]) },
        { "lower", "", c => LetterCase.Lower(c.Text) },
        { "map", "*", SelectionFilters.Map },
        { "max", "case_sensitive? attribute?", c => SequenceFilters.Extreme(c, sign: 1) },
        { "min", "case_sensitive? attribute?", c => SequenceFilters.Extreme(c, sign: -1) },
        { "pprint", "", c => PrettyText.Of(c.Context, c.Target) },
        { "random", "", c =>
            Iteration.List(c.Context, c.Target) is { Count: > 0 } items
                ? items[Random.Shared.Next(items.Count)] : new Undefined("there is no item: the list is empty") },
        { "reject", "*", c => SelectionFilters.Select(c, byAttribute: false, wanted: false) },
        { "rejectattr", "*", c => SelectionFilters.Select(c, byAttribute: true, wanted: false) },
        { "replace", "old new count?", c => TextSearch.Replace(
            c.Context, c.Text, Representation.Text(c.Context, c[0]), Representation.Text(c.Context, c[1]), c.Integer(2, -1)) },
        { "reverse", "", SequenceFilters.Reverse },
        { "round", "precision? method?", Round },
        { "safe string", "", c => c.Text },
        { "select", "*", c => SelectionFilters.Select(c, byAttribute: false, wanted: true) },
        { "selectattr", "*", c => SelectionFilters.Select(c, byAttribute: true, wanted: true) },
        { "slice", "slices fill_with?", SequenceFilters.Slice },
        { "sort", "reverse? case_sensitive? attribute?", SequenceFilters.Sort },
        { "striptags", "", TextFilters.StripTags },
        { "sum", "attribute? start?", SequenceFilters.Sum },
        { "title", "", c => LetterCase.TitleWords(c.Text) },
        { "tojson", "ensure_ascii? indent? separators? sort_keys?", JsonText.Write },
        { "trim", "chars?", c => PythonText.Strip(c.Text, c.StringOr(0), start: true, end: true) },
        { "truncate", "length? killwords? end? leeway?", TextFilters.Truncate },
        { "unique", "case_sensitive? attribute?", SequenceFilters.Unique },
        { "upper", "", c => LetterCase.Upper(c.Text) },
        { "urlencode", "", TextFilters.UrlEncode },
        { "wordcount", "", TextFilters.CountWords },
        { "wordwrap", "width? break_long_words? wrapstring? break_on_hyphens?", WordWrap.Apply },
        { "xmlattr", "autospace?", TextFilters.XmlAttributes },
    };

    private static object? Format(Call call) => call.Given switch
    {
        { Named.Count: 0 } given => PercentFormat.Apply(call.Context, call.Text, Sequence.Tuple([.. given.Positional])),
        { Positional.Count: 0 } given => PercentFormat.Apply(call.Context, call.Text, Mapping.Of(given.Named)),
        _ => throw call.Fail("it takes values with names or without, not both"),
    };

    private static object? Absolute(Call call) => call.Target switch
    {
        double number => Math.Abs(number),
        _ when Numbers.TryInteger(call.Target, out BigInteger integer) => Numbers.Of(BigInteger.Abs(integer)),
        _ => throw call.FailTarget(),
    };

    private static object? ToInteger(Call call)
    {
        object? value = call.Target, fallback = call.Get(0, 0L);
        if (value is Undefined) throw call.FailTarget();
        if (value is string text && Numbers.ParseInteger(call.Context, text, call.Integer(1, 10)) is { } parsed) return parsed;
        if (Numbers.TryInteger(value, out BigInteger integer)) return Numbers.Of(integer);
        double? number = value is string digits ? Numbers.ParseFloat(digits) : value as double?;
        return number is null || double.IsNaN(number.Value) || (value is string && double.IsInfinity(number.Value)) ? fallback
            : double.IsInfinity(number.Value) ? throw call.Fail("infinity is no integer")
            : Numbers.Of(new BigInteger(number.Value));
    }

    private static object? ToFloat(Call call) => call.Target switch
    {
        Undefined => throw call.FailTarget(),
        string text => Numbers.ParseFloat(text) ?? call.Get(0, 0.0),
        _ => Numbers.TryDouble(call.Target, out double number) ? number : call.Get(0, 0.0),
    };

    private static object? Round(Call call)
    {
        const int MaxPrecision = 400;
        int precision = (int)Math.Clamp(call.Integer(0, 0), -MaxPrecision, MaxPrecision);
        string method = call.StringOr(1, "common")!;
        if (!Numbers.IsNumber(call.Target)) throw call.FailTarget();
        if (method is not ("common" or "ceil" or "floor")) throw call.Fail("the method must be 'common', 'ceil' or 'floor'");
        if (method == "common" && Numbers.TryInteger(call.Target, out BigInteger integer)) return Rounded(integer, precision);
        Numbers.TryDouble(call.Target, out double number);
        if (method == "common") return double.IsFinite(number) ? Numbers.ParseFloat(FloatText.Fixed(number, precision)) : number;
        double scale = Math.Pow(10, precision);
        // Python's ceil and floor give integers, which have no negative zero.
        return ((method == "ceil" ? Math.Ceiling(number * scale) : Math.Floor(number * scale)) + 0.0) / scale;
    }

    /// <summary>To a multiple of a power of ten where the precision is negative, halves to even.</summary>
    private static object Rounded(BigInteger value, int precision)
    {
        if (precision >= 0) return Numbers.Of(value);
        BigInteger unit = BigInteger.Pow(10, -precision);
        BigInteger rest = ((value % unit) + unit) % unit, low = value - rest;
        int half = (rest * 2).CompareTo(unit);
        return Numbers.Of(half > 0 || (half == 0 && !(low / unit).IsEven) ? low + unit : low);
    }
}
