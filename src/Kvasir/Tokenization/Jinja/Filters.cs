namespace Kvasir.Tokenization.Jinja;

/// <summary>The filters that templates can use, by name.</summary>
internal static class Filters
{
    private delegate object? Body(RenderContext context, object? value, Arguments arguments);

    private static readonly Dictionary<string, Body> s_byName = Register();

    public static bool Exists(string name) => s_byName.ContainsKey(name);

    public static object? Apply(RenderContext context, string name, object? value, Arguments arguments)
    {
        context.ChargeText(value);
        return s_byName.TryGetValue(name, out Body? filter) ? filter(context, value, arguments) : throw new InvalidInputException($"there is no filter '{name}'");
    }

    private static Dictionary<string, Body> Register()
    {
        var filters = new Dictionary<string, Body>(StringComparer.Ordinal);

        void Add(string name, string[] parameters, Func<RenderContext, object?, BoundArguments, object?> body) =>
            filters[name] = (context, value, arguments) => body(context, value, new BoundArguments($"the filter '{name}'", parameters, arguments));

        void AddText(string name, string[] parameters, Func<RenderContext, string, BoundArguments, string> body) =>
            Add(name, parameters, (context, value, a) => context.Text(body(context, Representation.Text(context, value), a)));

        AddText("string", [], (_, text, _) => text);
        AddText("safe", [], (_, text, _) => text);
        AddText("trim", ["chars"], (_, text, a) => PythonText.Strip(text, a.TextOrNull(0), start: true, end: true));
        AddText("upper", [], (_, text, _) => PythonText.Upper(text));
        AddText("lower", [], (_, text, _) => PythonText.Lower(text));
        AddText("title", [], (_, text, _) => PythonText.TitleWords(text));
        AddText("capitalize", [], (_, text, _) => PythonText.Capitalize(text));
        AddText("escape", [], (_, text, _) => TextFilters.Escape(text));
        AddText("e", [], (_, text, _) => TextFilters.Escape(text));
        AddText("replace", ["old", "new", "count"], (context, text, a) => TextFilters.Replace(context, text, Representation.Text(context, a[0]), Representation.Text(context, a[1]), a.Get(2, null) is null ? -1 : a.Integer(2)));
        AddText("indent", ["width", "first", "blank"], TextFilters.Indent);
        Add("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], (context, value, a) => JsonText.Write(context, value, a));
        Add("int", ["default", "base"], (_, value, a) => NumberFilters.ToInteger(value, a));
        Add("float", ["default"], (_, value, a) => NumberFilters.ToFloat(value, a));
        Add("round", ["precision", "method"], (_, value, a) => NumberFilters.Round(value, a));
        Add("abs", [], (_, value, _) => NumberFilters.Absolute(value));
        Add("default", ["default_value", "boolean"], Default);
        Add("d", ["default_value", "boolean"], Default);
        Add("length", [], (context, value, _) => Iteration.Length(context, value));
        Add("count", [], (context, value, _) => Iteration.Length(context, value));
        Add("attr", ["name"], (context, value, a) => Lookup.Attribute(context, value, a.Text(0)));
        filters["format"] = (context, value, arguments) => PercentFormat.Apply(context, Representation.Text(context, value), FormatValues(arguments));

        Add("list", [], (context, value, _) => new Sequence(Iteration.Items(context, value)));
        Add("first", [], (context, value, _) => Iteration.Items(context, value) is { Count: > 0 } items ? items[0] : new Undefined("the first item of an empty list is undefined"));
        Add("last", [], (context, value, _) => Iteration.Items(context, value) is { Count: > 0 } items ? items[^1] : new Undefined("the last item of an empty list is undefined"));
        Add("join", ["d", "attribute"], SequenceFilters.Join);
        Add("items", [], (_, value, _) => SequenceFilters.Pairs(value));
        Add("dictsort", ["case_sensitive", "by", "reverse"], SequenceFilters.SortMapping);
        Add("sort", ["reverse", "case_sensitive", "attribute"], SequenceFilters.Sort);
        Add("unique", ["case_sensitive", "attribute"], SequenceFilters.Unique);
        Add("reverse", [], SequenceFilters.Reverse);
        Add("min", ["case_sensitive", "attribute"], (context, value, a) => SequenceFilters.Extreme(context, value, a, sign: -1));
        Add("max", ["case_sensitive", "attribute"], (context, value, a) => SequenceFilters.Extreme(context, value, a, sign: 1));
        Add("sum", ["attribute", "start"], SequenceFilters.Sum);
        Add("batch", ["linecount", "fill_with"], SequenceFilters.Batch);
        Add("groupby", ["attribute", "default", "case_sensitive"], SequenceFilters.GroupBy);

        filters["map"] = SelectionFilters.Map;
        filters["select"] = (context, value, arguments) => SelectionFilters.Select(context, value, arguments, byAttribute: false, wanted: true);
        filters["reject"] = (context, value, arguments) => SelectionFilters.Select(context, value, arguments, byAttribute: false, wanted: false);
        filters["selectattr"] = (context, value, arguments) => SelectionFilters.Select(context, value, arguments, byAttribute: true, wanted: true);
        filters["rejectattr"] = (context, value, arguments) => SelectionFilters.Select(context, value, arguments, byAttribute: true, wanted: false);
        return filters;
    }

    private static object? Default(RenderContext context, object? value, BoundArguments arguments) =>
        value is Undefined || (arguments.Flag(1) && !Operations.IsTrue(value)) ? arguments.Get(0, "") : value;

    private static object? FormatValues(Arguments arguments)
    {
        if (arguments.Named.Count == 0)
        {
            return Sequence.Tuple([.. arguments.Positional]);
        }

        var values = new Mapping();
        foreach ((string name, object? value) in arguments.Named)
        {
            values.Set(name, value);
        }

        return values;
    }
}
