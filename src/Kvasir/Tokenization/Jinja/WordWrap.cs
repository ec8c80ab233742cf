using System.Text.RegularExpressions;

namespace Kvasir.Tokenization.Jinja;

/// <summary>The filter <c>wordwrap</c>: lines of at most so many characters, as Python's <c>textwrap</c> fills them.</summary>
internal static partial class WordWrap
{
    public static object? Apply(Call call)
    {
        string text = call.Target as string ?? throw call.FailTarget(), end = call.StringOr(2, "\n")!;
        long width = call.Integer(0, 79);
        if (width <= 0) throw call.Fail("the width must be above 0");
        call.Context.Charge(text.Length);
        string Wrapped(string line) => StringMethods.Joined(call.Context, end, Lines(
            call.Context, Chunks(line, call.Flag(3, true)), (int)Math.Min(width, int.MaxValue), call.Flag(1, true)));
        return StringMethods.Joined(call.Context, end, Splitting.Lines(call.Context, text).Select(Wrapped));
    }

    /// <summary>Words and the white space between them; after a hyphen between letters a new one begins.</summary>
    private static List<string> Chunks(string line, bool hyphens) =>
        [.. (hyphens ? WithHyphens() : WhiteSpace()).Split(line).Where(chunk => chunk.Length > 0)];

    private static IEnumerable<string> Lines(RenderContext context, List<string> chunks, int width, bool breaksWords)
    {
        bool first = true;
        for (int at = 0; at < chunks.Count; first = false)
        {
            if (!first && string.IsNullOrWhiteSpace(chunks[at]) && ++at == chunks.Count) yield break;
            var line = new List<string>();
            int length = 0;
            context.Charge(1);
            for (; at < chunks.Count && length + PythonText.Length(chunks[at]) <= width; at++)
            {
                line.Add(chunks[at]);
                length += PythonText.Length(chunks[at]);
            }

            if (at < chunks.Count && PythonText.Length(chunks[at]) > width)
            {
                context.Charge(1 + (chunks[at].Length / 4));
                if (breaksWords)
                {
                    int cut = PythonText.Range(chunks[at], null, (long)(width - length)).To;
                    cut = Math.Max(cut, line.Count == 0 ? 1 : 0);
                    line.Add(chunks[at][..cut]);
                    chunks[at] = chunks[at][cut..];
                }
                else if (line.Count == 0) line.Add(chunks[at++]);
            }

            if (line.Count > 0 && string.IsNullOrWhiteSpace(line[^1])) line.RemoveAt(line.Count - 1);
            if (line.Count > 0) yield return string.Concat(line);
        }
    }

    [GeneratedRegex(
        @"([\t\n\v\f\r ]+|(?<=[\w!""'&.,?])-{2,}(?=\w)|[^\t\n\v\f\r ]+?"
            + @"(?:-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[^\d\W]-))(?=[^\d\W]-?[^\d\W])|(?=[\t\n\v\f\r ]|\z)|(?<=[\w!""'&.,?])(?=-{2,}\w)))",
        RegexOptions.CultureInvariant)]
    private static partial Regex WithHyphens();

    [GeneratedRegex(@"([\t\n\v\f\r ]+)", RegexOptions.CultureInvariant)]
    private static partial Regex WhiteSpace();
}
