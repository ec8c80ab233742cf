using System.Globalization;
using System.Text;
using System.Xml;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>The marks of list items: bullets, and numbers counted as the document's numbering says.</summary>
internal sealed class DocxNumbering
{
    private const int Levels = 9;
    private const int LargestLetterNumber = 26 * 8;
    private readonly Dictionary<string, ListLevel[]> _definitions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _definitionOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int[]> _counters = new(StringComparer.Ordinal);

    /// <summary>A list level as a number from 0 to 8.</summary>
    public static int Level(string? value) => Math.Clamp(Number(value), 0, Levels - 1);

    /// <summary>Takes up numbering.xml.</summary>
    public void Read(XmlReader xml)
    {
        ListLevel[] levels = NewLevels();
        int level = 0;
        string list = "";
        bool defining = false;
        while (xml.Read())
        {
            switch (xml.NodeType == XmlNodeType.Element ? xml.LocalName : "")
            {
                case "abstractNum":
                    levels = NewLevels();
                    _definitions[DocxBody.Attribute(xml, "abstractNumId") ?? ""] = levels;
                    defining = true;
                    break;
                case "num":
                    list = DocxBody.Attribute(xml, "numId") ?? "";
                    defining = false;
                    break;
                case "abstractNumId":
                    _definitionOf[list] = DocxBody.Value(xml) ?? "";
                    break;
                case "lvl":
                    level = Level(DocxBody.Attribute(xml, "ilvl"));
                    break;
                case "start" when defining:
                    levels[level] = levels[level] with { Start = Number(DocxBody.Value(xml)) };
                    break;
                case "numFmt" when defining:
                    levels[level] = levels[level] with { Format = DocxBody.Value(xml) ?? "" };
                    break;
                case "lvlText" when defining:
                    levels[level] = levels[level] with { Text = DocxBody.Value(xml) ?? "" };
                    break;
            }
        }
    }

    /// <summary>The mark of the next item of a list, with a space behind it; empty where it has none.</summary>
    public string Next(ListPlace place)
    {
        if (!_definitionOf.TryGetValue(place.List, out string? definition) || !_definitions.TryGetValue(definition, out ListLevel[]? levels))
        {
            return "- ";
        }

        if (!_counters.TryGetValue(place.List, out int[]? counters))
        {
            _counters[place.List] = counters = [.. levels.Select(level => level.Start - 1)];
        }

        counters[place.Level]++;
        for (int deeper = place.Level + 1; deeper < Levels; deeper++)
        {
            counters[deeper] = levels[deeper].Start - 1;
        }

        return levels[place.Level].Format switch
        {
            "bullet" => "- ",
            "none" => "",
            _ => Mark(levels, counters, place.Level),
        };
    }

    /// <summary>The level's text with %1 to %9 replaced by the numbers of the levels.</summary>
    private static string Mark(ListLevel[] levels, int[] counters, int level)
    {
        var mark = new StringBuilder();
        string text = levels[level].Text;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 1 < text.Length && text[i + 1] is >= '1' and <= '9')
            {
                int other = text[++i] - '1';
                mark.Append(Format(Math.Max(counters[other], levels[other].Start), levels[other].Format));
            }
            else
            {
                mark.Append(text[i]);
            }
        }

        return mark.Length > 0 ? mark.Append(' ').ToString() : "";
    }

    private static string Format(int number, string format) => format switch
    {
        "lowerLetter" when number is > 0 and <= LargestLetterNumber => new string((char)('a' + (number - 1) % 26), (number - 1) / 26 + 1),
        "upperLetter" when number is > 0 and <= LargestLetterNumber => new string((char)('A' + (number - 1) % 26), (number - 1) / 26 + 1),
        "lowerRoman" => Roman(number).ToLowerInvariant(),
        "upperRoman" => Roman(number),
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    private static string Roman(int number)
    {
        if (number is < 1 or > 3999)
        {
            return number.ToString(CultureInfo.InvariantCulture);
        }

        var roman = new StringBuilder();
        foreach ((int value, string sign) in (ReadOnlySpan<(int, string)>)[(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")])
        {
            for (; number >= value; number -= value)
            {
                roman.Append(sign);
            }
        }

        return roman.ToString();
    }

    private static int Number(string? value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < int.MaxValue / 2 ? number : 0;

    private static ListLevel[] NewLevels() => [.. Enumerable.Repeat(new ListLevel(1, "decimal", ""), Levels)];

    private sealed record ListLevel(int Start, string Format, string Text);
}
