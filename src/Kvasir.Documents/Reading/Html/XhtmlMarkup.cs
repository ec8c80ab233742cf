using System.Text.RegularExpressions;

namespace Kvasir.Documents.Reading.Html;

/// <summary>
/// XHTML written as HTML: elements closed in themselves and character data mean in XML what an HTML parser does not see in them.
/// </summary>
internal static partial class XhtmlMarkup
{
    private const int HeadCharacters = 1000;
    private const string Void = "(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)\\b";

    /// <summary>A page that says that it is XML, as HTML; any other as it is.</summary>
    public static string ToHtml(string markup)
    {
        ReadOnlySpan<char> head = markup.AsSpan().TrimStart();
        if (!head.StartsWith("<?xml")
            && !head[..Math.Min(head.Length, HeadCharacters)].Contains("http://www.w3.org/1999/xhtml", StringComparison.Ordinal))
            return markup;

        string text = CharacterData()
            .Replace(markup, data =>
            data.Groups[1].Value.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal));
        return EndOfVoid().Replace(ClosedInItself().Replace(text, "<$1$2></$1>"), "");
    }

    [GeneratedRegex(@"<!\[CDATA\[(.*?)\]\]>", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex CharacterData();

    [GeneratedRegex($"""<(?!{Void})([\w:-]+)((?:[^<>"']|"[^"]*"|'[^']*')*)/>""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ClosedInItself();

    [GeneratedRegex($"</{Void}\\s*>", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex EndOfVoid();
}
