using System.Xml;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>A list that a paragraph belongs to, and its level from 0.</summary>
internal readonly record struct ListPlace(string List, int Level);

/// <summary>What paragraph styles say: which are headings, which put a paragraph into a list.</summary>
internal sealed class DocxStyles
{
    private const int DeepestInheritance = 20;
    private readonly Dictionary<string, Style> _styles = new(StringComparer.Ordinal);

    /// <summary>Takes up styles.xml.</summary>
    public void Read(XmlReader xml)
    {
        Style? style = null;
        while (xml.Read())
        {
            if (xml.NodeType != XmlNodeType.Element) continue;

            switch (xml.LocalName)
            {
                case "style":
                    style = new Style();
                    _styles[DocxBody.Attribute(xml, "styleId") ?? ""] = style;
                    break;
                case "name" when style is not null:
                    style.Name = DocxBody.Value(xml);
                    break;
                case "basedOn" when style is not null:
                    style.Base = DocxBody.Value(xml);
                    break;
                case "outlineLvl" when style is not null:
                    style.Outlined = IsHeadingLevel(DocxBody.Value(xml));
                    break;
                case "numId" when style is not null:
                    style.List = DocxBody.Value(xml);
                    break;
                case "vanish" when style is not null:
                    style.Hidden = DocxBody.IsOn(DocxBody.Value(xml));
                    break;
                case "ilvl" when style is not null:
                    style.Level = DocxNumbering.Level(DocxBody.Value(xml));
                    break;
            }
        }
    }

    /// <summary>Whether an outline level is a heading's; 9 stands for body text.</summary>
    public static bool IsHeadingLevel(string? value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int level) && level < 9;

    public bool IsHeading(string? id) => Inherited(id).Any(style =>
        style.Outlined || style.Name is "Title" or "title" || style.Name?.StartsWith("heading ", StringComparison.OrdinalIgnoreCase) == true);

    /// <summary>Whether a style hides text.</summary>
    public bool IsHidden(string? id) => Inherited(id).FirstOrDefault(style => style.Hidden is not null)?.Hidden == true;

    /// <summary>The list that a style puts a paragraph into.</summary>
    public ListPlace? ListOf(string? id) => Inherited(id).FirstOrDefault(style => style.List is not null) is { } style ? new ListPlace(style.List!, style.Level) : null;

    private IEnumerable<Style> Inherited(string? id)
    {
        for (int depth = 0; id is not null && depth < DeepestInheritance && _styles.TryGetValue(id, out Style? style); depth++)
        {
            yield return style;
            id = style.Base;
        }
    }

    private sealed class Style
    {
        public string? Name { get; set; }

        public string? Base { get; set; }

        public bool Outlined { get; set; }

        public bool? Hidden { get; set; }

        public string? List { get; set; }

        public int Level { get; set; }
    }
}
