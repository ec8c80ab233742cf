using System.Text.RegularExpressions;

namespace Kvasir.Tokenization.Jinja;

/// <summary>The filter <c>pprint</c>: a value over lines of 80 characters as Python's <c>pprint</c> lays it out, keys sorted.</summary>
internal sealed partial class PrettyText(RenderContext context)
{
    private const int Width = 80;

    private readonly StringBuilder _result = new();

    public static string Of(RenderContext context, object? value)
    {
        var text = new PrettyText(context);
        text.Write(text.Sorted(value, 0), 0, 0, 1);
        return text._result.ToString();
    }

    private object? Sorted(object? value, int depth)
    {
        context.Charge(1);
        if (depth > Operations.MaxValueDepth) throw Operations.TooDeep();
        switch (value)
        {
            case Sequence { Kind: SequenceKind.List or SequenceKind.Tuple } list:
                return new Sequence([.. list.Items.Select(item => Sorted(item, depth + 1))], list.Kind);
            case Mapping mapping:
                var sorted = new Mapping();
                foreach (object? pair in Operations.Sorted(context, [.. mapping.Pairs], pair => ((Sequence)pair!).Items[0]))
                    sorted.Set(((Sequence)pair!).Items[0], Sorted(((Sequence)pair).Items[1], depth + 1));
                return sorted;
            default:
                return value;
        }
    }

    /// <param name="value">The value.</param>
    /// <param name="indent">Column that it stands at.</param>
    /// <param name="allowance">Characters that follow it on its last line.</param>
    /// <param name="level">How deep it lies, from 1.</param>
    private void Write(object? value, int indent, int allowance, int level)
    {
        string flat = Representation.Source(context, value);
        context.Room(_result.Length + (long)flat.Length);
        if (flat.Length <= Width - indent - allowance
            || value is not (string or Mapping or Sequence { Kind: SequenceKind.List or SequenceKind.Tuple }))
            _result.Append(flat);
        else if (value is string text) WriteText(text, indent, allowance, level);
        else if (value is Mapping mapping) WriteAll("{", "}", [.. mapping.Pairs], indent, allowance, level);
        else if (value is Sequence { Kind: SequenceKind.Tuple } tuple)
            WriteAll("(", tuple.Items.Count == 1 ? ",)" : ")", tuple.Items, indent, allowance, level);
        else WriteAll("[", "]", ((Sequence)value).Items, indent, allowance, level);
    }

    private void WriteAll(string open, string close, IReadOnlyList<object?> items, int indent, int allowance, int level)
    {
        _result.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            string key = open == "{" ? Representation.Source(context, ((Sequence)items[i]!).Items[0]) + ": " : "";
            _result.Append(i == 0 ? "" : ",\n" + new string(' ', context.Room(indent + 1))).Append(key);
            object? item = open == "{" ? ((Sequence)items[i]!).Items[1] : items[i];
            Write(item, indent + 1 + key.Length, i == items.Count - 1 ? allowance + close.Length : 1, level + 1);
        }

        _result.Append(close);
    }

    /// <summary>A text that is too long for its line: pieces that end at line ends or blanks, one a line.</summary>
    private void WriteText(string text, int indent, int allowance, int level)
    {
        (indent, allowance) = level == 1 ? (indent + 1, allowance + 1) : (indent, allowance);
        var pieces = new List<string>();
        string[] lines = [.. Splitting.Lines(context, text, keepEnds: true)];
        for (int i = 0; i < lines.Length; i++)
        {
            bool isLast = i == lines.Length - 1;
            if (Representation.Quote(lines[i]).Length <= Width - indent - (isLast ? allowance : 0))
                pieces.Add(Representation.Quote(lines[i]));
            else AddWords(pieces, lines[i], Width - indent, isLast ? allowance : 0);
        }

        string between = "\n" + new string(' ', indent);
        bool brackets = level == 1 && pieces.Count > 1;
        _result.Append(brackets ? "(" : "").Append(StringMethods.Joined(context, between, pieces)).Append(brackets ? ")" : "");
    }

    private void AddWords(List<string> pieces, string line, int width, int allowance)
    {
        string current = "";
        foreach (ValueMatch match in Words().EnumerateMatches(line))
        {
            context.Charge(1 + ((current.Length + match.Length) / 4));
            int end = match.Index + match.Length;
            string word = line[match.Index..end];
            bool fits = Representation.Quote(current + word).Length <= width - (end == line.Length ? allowance : 0);
            if (!fits && current.Length > 0) pieces.Add(Representation.Quote(current));
            current = fits ? current + word : word;
        }

        if (current.Length > 0) pieces.Add(Representation.Quote(current));
    }

    [GeneratedRegex(@"\S+\s*|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}
