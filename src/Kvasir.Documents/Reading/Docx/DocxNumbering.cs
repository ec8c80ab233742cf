using System.Xml.Linq;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>
/// The marks of list items: bullets, and numbers counted as the document's numbering says. Lists that share a definition count on from each
/// other, but where one has a start of its own.
/// </summary>
/// <param name="part">The content of numbering.xml; null where there is none.</param>
/// <param name="styles">Where a definition is another's by the name of a style.</param>
internal sealed class DocxNumbering(XElement? part, DocxStyles styles)
{
    private const int Levels = 9;

    private readonly Dictionary<string, Definition> _definitions = part.All("abstractNum")
        .GroupBy(element => element.Value("abstractNumId") ?? "")
        .ToDictionary(same => same.Key, same => new Definition(same.Last()), StringComparer.Ordinal);

    private readonly Dictionary<string, NumberedList> _lists = part.All("num").GroupBy(element => element.Value("numId") ?? "")
        .ToDictionary(same => same.Key, same => new NumberedList(same.Last()), StringComparer.Ordinal);

    /// <summary>A list level as a number from 0 to 8.</summary>
    public static int Level(string? value) => Math.Clamp(Number(value), 0, Levels - 1);

    /// <summary>A number that is not negative; 0 for anything else.</summary>
    public static int Number(string? value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < int.MaxValue / 2 ? number : 0;

    /// <summary>The mark of the next item of a list, with a space behind it; empty where it has none.</summary>
    public string Next(ListPlace place)
    {
        if (!_lists.TryGetValue(place.List, out NumberedList? list) || DefinitionOf(list) is not { } definition) return "- ";
        int?[] counters = definition.Counters;
        for (int i = 0; i < Levels && !list.IsBegun; i++) counters[i] = list.Starts[i] - 1 ?? counters[i];
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

    private Definition? DefinitionOf(NumberedList list) =>
        !_definitions.TryGetValue(list.Definition, out Definition? definition) ? null
        : styles.ListOf(definition.Style) is { } place && _lists.TryGetValue(place.List, out NumberedList? other)
            ? _definitions.GetValueOrDefault(other.Definition)
        : definition;

    private static ListLevel?[] LevelsOf(XElement list)
    {
        var levels = new ListLevel?[Levels];
        foreach (XElement level in list.All("lvl")) levels[Level(level.Value("ilvl"))] = new ListLevel(level);
        return levels;
    }

    /// <summary>An abstract list, and how far it has been counted: null where a level begins anew.</summary>
    private sealed class Definition(XElement element)
    {
        public ListLevel?[] Levels { get; } = LevelsOf(element);

        public int?[] Counters { get; } = new int?[DocxNumbering.Levels];

        public string? Style { get; } = element.First("numStyleLink").Value();
    }

    /// <summary>A list that paragraphs name: a definition, with levels and starts of its own.</summary>
    private sealed class NumberedList
    {
        public NumberedList(XElement element)
        {
            (Definition, Levels) = (element.First("abstractNumId").Value() ?? "", LevelsOf(element));
            foreach (XElement start in element.All("startOverride")) Starts[Level(start.Parent.Value("ilvl"))] = Number(start.Value());
        }

        public string Definition { get; }

        public ListLevel?[] Levels { get; }

        public int?[] Starts { get; } = new int?[DocxNumbering.Levels];

        public bool IsBegun { get; set; }
    }

    /// <param name="element">The level; null for one that is not described.</param>
    private sealed class ListLevel(XElement? element)
    {
        public static readonly ListLevel Usual = new(null);

        public int Start { get; } = element.First("start") is { } start ? Number(start.Value()) : 1;

        public string Format { get; } = element.First("numFmt").Value() ?? "decimal";

        public string Text { get; } = element.First("lvlText").Value() ?? "";

        /// <summary>Whether its numbers go on below a new number of the level above.</summary>
        public bool Continues { get; } = element.First("lvlRestart").Value() == "0";

        /// <summary>Whether the numbers of all levels are decimal.</summary>
        public bool IsLegal { get; } = element.First("isLgl") is { } legal && DocxBody.IsOn(legal.Value());
    }
}
