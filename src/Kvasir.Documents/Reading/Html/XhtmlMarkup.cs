using System.Net;
using System.Xml;

namespace Kvasir.Documents.Reading.Html;

/// <summary>XHTML written as HTML: elements closed in themselves and character data mean in XML what an HTML parser does not see in them.</summary>
internal static class XhtmlMarkup
{
    private static readonly HashSet<string> s_void = new(StringComparer.OrdinalIgnoreCase)
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    };

    private const int HeadCharacters = 1000;

    /// <summary>The page as HTML; null where it is no well-formed XML.</summary>
    public static string? ToHtml(string markup)
    {
        ReadOnlySpan<char> head = markup.AsSpan().TrimStart();
        if (!head.StartsWith("<?xml") && !head[..Math.Min(head.Length, HeadCharacters)].Contains("http://www.w3.org/1999/xhtml", StringComparison.Ordinal))
            return null;

        var html = new StringBuilder();
        try
        {
            // Entities are left to the HTML parser, which knows them all.
            using var xml = new XmlTextReader(new StringReader(markup.TrimStart())) { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null, EntityHandling = EntityHandling.ExpandCharEntities };
            string within = "";
            while (xml.Read())
            {
                within = xml.NodeType == XmlNodeType.Element ? xml.LocalName : within;
                Write(xml, html, isRaw: within is "style" or "script");
            }

            return html.ToString();
        }
        catch (XmlException)
        {
            return null;
        }
    }

    private static void Write(XmlTextReader xml, StringBuilder html, bool isRaw)
    {
        switch (xml.NodeType)
        {
            case XmlNodeType.Element:
                string name = xml.LocalName;
                bool empty = xml.IsEmptyElement;
                html.Append('<').Append(name);
                while (xml.MoveToNextAttribute())
                    html.Append(' ').Append(xml.LocalName).Append("=\"").Append(WebUtility.HtmlEncode(xml.Value)).Append('"');

                html.Append(empty && !s_void.Contains(name) ? $"></{name}>" : ">");
                break;
            case XmlNodeType.EndElement when !s_void.Contains(xml.LocalName):
                html.Append("</").Append(xml.LocalName).Append('>');
                break;
            case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace:
                html.Append(isRaw ? xml.Value : WebUtility.HtmlEncode(xml.Value));
                break;
            case XmlNodeType.EntityReference:
                html.Append('&').Append(xml.Name).Append(';');
                break;
        }
    }
}
