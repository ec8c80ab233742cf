using System.Text.RegularExpressions;
using AngleSharp.Css;
using AngleSharp.Css.Dom;
using AngleSharp.Css.Parser;
using AngleSharp.Dom;

namespace Kvasir.Documents.Reading.Html;

/// <summary>
/// What of a page is not shown: by the hidden attribute, and by <c>display</c> and <c>visibility</c> of its style sheets and style
/// attributes.
/// </summary>
internal sealed partial class HtmlVisibility
{
    private readonly CssSelectorParser _selectors = new();
    private readonly Dictionary<string, List<Rule>> _rules = new(StringComparer.Ordinal);
    private int _order;

    /// <summary>Takes up the rules of a style element that hold on a screen of any size.</summary>
    public void Add(IElement style)
    {
        if (style.GetAttribute("media") is { Length: > 0 } media && !ScreenRule().IsMatch("@media " + media)) return;
        string css = Comment().Replace(style.TextContent, " ");
        for (int at = 0, mark; (mark = css.AsSpan(at).IndexOfAny('{', ';')) >= 0;)
        {
            mark += at;
            string prelude = css[at..mark].Trim(' ', '\t', '\r', '\n', '\f', '}');
            if (css[mark] == ';' || (prelude.StartsWith('@') && ScreenRule().IsMatch(prelude)))
            {
                at = mark + 1;
                continue;
            }

            at = EndOfBlock(css, mark);
            if (!prelude.StartsWith('@')) Add(prelude, new Declarations(css[(mark + 1)..at].TrimEnd('}')));
        }
    }

    /// <summary>
    /// Whether an element takes part in the page, and whether it says of itself that it is visible; null where its parent decides.
    /// </summary>
    public (bool Displayed, bool? Visible) Of(IElement element)
    {
        if (element.LocalName is "body" or "html")
        {
            // Pages that a script uncovers when they are loaded.
            return (true, null);
        }

        var display = new Winner(
            element.HasAttribute("hidden") || (element.LocalName == "dialog" && !element.HasAttribute("open")) ? "none" : null);
        var visibility = new Winner(null);
        foreach (Rule rule in Candidates(element))
        {
            if (display.Yields(rule, rule.Declared.Display) | visibility.Yields(rule, rule.Declared.Visibility)
                && rule.Selector.Match(element, null))
            {
                display.Offer(rule, rule.Declared.Display);
                visibility.Offer(rule, rule.Declared.Visibility);
            }
        }

        if (element.GetAttribute("style") is { Length: > 0 } style)
        {
            var own = new Declarations(style);
            var rule = new Rule(null!, Priority.Inline, int.MaxValue, own);
            display.Offer(rule, own.Display);
            visibility.Offer(rule, own.Visibility);
        }

        return (display.Value != "none", visibility.Value is null or "inherit" ? null : visibility.Value is not ("hidden" or "collapse"));
    }

    private IEnumerable<Rule> Candidates(IElement element)
    {
        if (_rules.Count == 0) return [];
        IEnumerable<string> classes = element.GetAttribute("class")?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Distinct(StringComparer.Ordinal).Select(name => "." + name) ?? [];
        return classes.Append("#" + element.GetAttribute("id")).Append(element.LocalName).Append("*")
            .SelectMany(key => _rules.GetValueOrDefault(key) ?? []);
    }

    private void Add(string selectors, Declarations declared)
    {
        if (declared is { Display: null, Visibility: null }) return;
        foreach (string text in selectors.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (_selectors.ParseSelector(text) is not { } selector || text.Contains("::", StringComparison.Ordinal)) continue;

            // An element needs to be held against those rules only that name its id, a class of it or its tag last.
            Match last = LastCompound().Match(text);
            string key = last.Groups["name"] is { Success: true } name
                ? name.Value : last.Groups["tag"] is { Success: true } tag ? tag.Value.ToLowerInvariant() : "*";
            if (!_rules.TryGetValue(key, out List<Rule>? rules)) _rules[key] = rules = [];
            rules.Add(new Rule(selector, selector.Specificity, _order++, declared));
        }
    }

    private static int EndOfBlock(string css, int open)
    {
        int depth = 0;
        for (int i = open; i < css.Length; i++)
        {
            depth += css[i] == '{' ? 1 : css[i] == '}' ? -1 : 0;
            if (depth == 0) return i + 1;
        }

        return css.Length;
    }

    /// <summary>Comments of style sheets, and the marks of HTML's, which mean nothing there.</summary>
    [GeneratedRegex(@"/\*.*?(\*/|\z)|<!--|-->", RegexOptions.Singleline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^@(media\s+(only\s+)?(screen|all)\s*(,.*)?|supports\b.*|layer\b.*)$",
        RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex ScreenRule();

    [GeneratedRegex(@"(^|[\s>+~])(?<tag>[\w-]+)?(?<name>[.#][\w-]+)?[^\s>+~]*$",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex LastCompound();

    private sealed record Rule(ISelector Selector, Priority Specificity, int Order, Declarations Declared);

    /// <summary>The declarations of a block that decide what is shown.</summary>
    private sealed class Declarations
    {
        public Declarations(string block)
        {
            foreach (string declaration in block.Split(';'))
            {
                int colon = declaration.IndexOf(':', StringComparison.Ordinal);
                string value = colon < 0 ? "" : declaration[(colon + 1)..].Trim().ToLowerInvariant();
                switch (colon < 0 ? "" : declaration[..colon].Trim().ToLowerInvariant())
                {
                    case "display":
                        Display = value;
                        break;
                    case "visibility":
                        Visibility = value;
                        break;
                }
            }
        }

        public string? Display { get; }

        public string? Visibility { get; }
    }

    /// <summary>A property's value while rules are offered: important ones win, then the more specific, then the later.</summary>
    private struct Winner(string? initial)
    {
        private (bool Important, Priority Specificity, int Order) _rank = (false, Priority.Zero, -1);

        public string? Value { get; private set; } = initial;

        public readonly bool Yields(Rule rule, string? value) => value is not null && Rank(rule, value).CompareTo(_rank) > 0;

        public void Offer(Rule rule, string? value)
        {
            if (Yields(rule, value))
            {
                _rank = Rank(rule, value!);
                Value = value!.Split('!')[0].TrimEnd();
            }
        }

        private static (bool Important, Priority Specificity, int Order) Rank(Rule rule, string value) =>
            (value.Contains("!important", StringComparison.Ordinal), rule.Specificity, rule.Order);
    }
}
