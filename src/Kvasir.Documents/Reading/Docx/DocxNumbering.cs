using System.Xml;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>
/// The marks of list items: bullets, and numbers counted as the document's numbering says. Lists that share a definition count on from each other,
/// but where one has a start of its own.
/// </summary>
internal sealed class DocxNumbering
{
    private const int Levels = 9;
    private readonly Dictionary<string, Definition> _definitions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NumberedList> _lists = new(StringComparer.Ordinal);

    /// <summary>A list level as a number from 0 to 8.</summary>
    public static int Level(string? value) => Math.Clamp(Number(value), 0, Levels - 1);

    /// <summary>Takes up numbering.xml.</summary>
    public void Read(XmlReader xml)
    {
        Definition definition = new();
        ListLevel?[] levels = definition.Levels;
        NumberedList list = new();
        int level = 0;
        while (xml.Read())
        {
            switch (xml.NodeType == XmlNodeType.Element ? xml.LocalName : "")
            {
                case "abstractNum":
                    _definitions[DocxBody.Attribute(xml, "abstractNumId") ?? ""] = definition = new Definition();
                    levels = definition.Levels;
                    break;
                case "numStyleLink":
                    definition.Style = DocxBody.Value(xml);
                    break;
                case "num":
                    _lists[DocxBody.Attribute(xml, "numId") ?? ""] = list = new NumberedList();
                    levels = list.Levels;
                    break;
                case "abstractNumId":
                    list.Definition = DocxBody.Value(xml) ?? "";
                    break;
                case "lvl" or "lvlOverride":
                    level = Level(DocxBody.Attribute(xml, "ilvl"));
                    levels[level] ??= xml.LocalName == "lvl" ? new ListLevel() : null;
                    break;
                case "startOverride":
                    list.Starts[level] = Number(DocxBody.Value(xml));
                    break;
                case string name when levels[level] is { } current:
                    current.Note(name, DocxBody.Value(xml));
                    break;
            }
        }
    }

    /// <summary>The mark of the next item of a list, with a space behind it; empty where it has none.</summary>
    /// <param name="place">The list and the level.</param>
    /// <param name="styles">Where a definition is another's by the name of a style.</param>
    public string Next(ListPlace place, DocxStyles styles)
    {
        if (!_lists.TryGetValue(place.List, out NumberedList? list) || DefinitionOf(list, styles) is not { } definition) return "- ";

        int?[] counters = definition.Counters;
        for (int i = 0; i < Levels && !list.IsBegun; i++) counters[i] = list.Starts[i] is { } start ? start - 1 : counters[i];

        list.IsBegun = true;
        counters[place.Level] = (counters[place.Level] ?? Start(place.Level) - 1) + 1;
        for (int deeper = place.Level + 1; deeper < Levels; deeper++) counters[deeper] = At(deeper).Continues ? counters[deeper] : null;

        return At(place.Level).Format switch
        {
            "bullet" => "- ",
            "none" => "",
            _ => Mark(),
        };

        int Start(int level) => list.Starts[level] ?? At(level).Start;

        ListLevel At(int level) => list.Levels[level] ?? definition.Levels[level] ?? ListLevel.Usual;

        // The level's text with %1 to %9 replaced by the numbers of the levels.
        string Mark()
        {
            var mark = new StringBuilder();
            string text = At(place.Level).Text;
            for (int i = 0; i < text.Length; i++)
            {
                if (text[i] == '%' && i + 1 < text.Length && text[i + 1] is >= '1' and <= '9')
                {
                    int other = text[++i] - '1';
                    mark.Append(ListNumber.Format(counters[other] ?? Start(other), At(place.Level).IsLegal ? "" : At(other).Format));
                }
                else mark.Append(text[i]);
            }

            return mark.Length > 0 ? mark.Append(' ').ToString() : "";
        }
    }

    private Definition? DefinitionOf(NumberedList list, DocxStyles styles) =>
        !_definitions.TryGetValue(list.Definition, out Definition? definition) ? null
        : definition.Style is not null && styles.ListOf(definition.Style) is { } place && _lists.TryGetValue(place.List, out NumberedList? other) ? _definitions.GetValueOrDefault(other.Definition)
        : definition;

    /// <summary>A number that is not negative; 0 for anything else.</summary>
    public static int Number(string? value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < int.MaxValue / 2 ? number : 0;

    /// <summary>An abstract list, and how far it has been counted: null where a level begins anew.</summary>
    private sealed class Definition
    {
        public ListLevel?[] Levels { get; } = new ListLevel?[DocxNumbering.Levels];

        public int?[] Counters { get; } = new int?[DocxNumbering.Levels];

        public string? Style { get; set; }
    }

    /// <summary>A list that paragraphs name: a definition, with levels and starts of its own.</summary>
    private sealed class NumberedList
    {
        public string Definition { get; set; } = "";

        public ListLevel?[] Levels { get; } = new ListLevel?[DocxNumbering.Levels];

        public int?[] Starts { get; } = new int?[DocxNumbering.Levels];

        public bool IsBegun { get; set; }
    }

    private sealed class ListLevel
    {
        public static readonly ListLevel Usual = new();

        public int Start { get; private set; } = 1;

        public string Format { get; private set; } = "decimal";

        public string Text { get; private set; } = "";

        /// <summary>Whether its numbers go on below a new number of the level above.</summary>
        public bool Continues { get; private set; }

        /// <summary>Whether the numbers of all levels are decimal.</summary>
        public bool IsLegal { get; private set; }

        public void Note(string property, string? value)
        {
            switch (property)
            {
                case "start":
                    Start = Number(value);
                    break;
                case "numFmt":
                    Format = value ?? "";
                    break;
                case "lvlText":
                    Text = value ?? "";
                    break;
                case "lvlRestart":
                    Continues = value == "0";
                    break;
                case "isLgl":
                    IsLegal = DocxBody.IsOn(value);
                    break;
            }
        }
    }
}
