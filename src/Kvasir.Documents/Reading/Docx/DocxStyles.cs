using System.Xml.Linq;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>A list that a paragraph belongs to, and its level from 0.</summary>
internal readonly record struct ListPlace(string List, int Level);

/// <summary>What styles say: which are headings, which hide text, which put a paragraph into a list.</summary>
/// <param name="part">The content of styles.xml; null where there is none.</param>
internal sealed class DocxStyles(XElement? part)
{
    private const int DeepestInheritance = 20;

    private readonly Dictionary<string, Style> _styles = part.All("style").GroupBy(style => style.Value("styleId") ?? "")
        .ToDictionary(same => same.Key, same => new Style(same.Last()), StringComparer.Ordinal);

    /// <summary>Whether an outline level is a heading's; 9 stands for body text.</summary>
    public static bool IsHeadingLevel(string? value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int level) && level < 9;

    public bool IsHeading(string? id) => Inherited(id).Any(style =>
        style.Outlined || style.Name is "Title" or "title"
            || style.Name?.StartsWith("heading ", StringComparison.OrdinalIgnoreCase) == true);

    /// <summary>Whether a style hides text.</summary>
    public bool IsHidden(string? id) => Inherited(id).FirstOrDefault(style => style.Hidden is not null)?.Hidden == true;

    /// <summary>The list that a style puts a paragraph into.</summary>
    public ListPlace? ListOf(string? id) => Inherited(id).FirstOrDefault(style => style.List is not null) is { List: { } list }
        ? new ListPlace(list, Inherited(id).FirstOrDefault(style => style.Level is not null)?.Level ?? 0) : null;

    private IEnumerable<Style> Inherited(string? id)
    {
        for (int depth = 0; id is not null && depth < DeepestInheritance && _styles.TryGetValue(id, out Style? style); depth++)
        {
            yield return style;
            id = style.Base;
        }
    }

    private sealed class Style(XElement style)
    {
        public string? Name { get; } = style.First("name").Value();

        public string? Base { get; } = style.First("basedOn").Value();

        public bool Outlined { get; } = IsHeadingLevel(style.First("outlineLvl").Value());

        public bool? Hidden { get; } = style.First("vanish") is { } vanish ? DocxBody.IsOn(vanish.Value()) : null;

        public string? List { get; } = style.First("numId").Value();

        public int? Level { get; } = style.First("ilvl").Value() is { } level ? DocxNumbering.Level(level) : null;
    }
}
