using System.Text.RegularExpressions;

namespace Kvasir.Cli.Input;

/// <summary>Messages and commands of a conversation, made from lines. What two <c>"""</c> enclose is one text with all its lines.</summary>
/// <param name="readLine">Reads a line, or several that were pasted, behind a prompt; null at the end.</param>
internal sealed partial class ChatInput(Func<string, string?> readLine)
{
    private const string Quote = "\"\"\"";

    /// <summary>The next message or command, without control characters other than line breaks and tabs; null at the end.</summary>
    public string? Next()
    {
        if (readLine("> ") is not string text) return null;
        string command = Command().Match(text).Value, body = text[command.Length..];
        if (!body.StartsWith(Quote, StringComparison.Ordinal)) return Clean(text);
        while ((body.Length < 2 * Quote.Length || !body.TrimEnd().EndsWith(Quote, StringComparison.Ordinal)) && readLine(". ") is string more) body += "\n" + more;
        body = body.TrimEnd()[Quote.Length..];
        return Clean(command + (body.EndsWith(Quote, StringComparison.Ordinal) ? body[..^Quote.Length] : body).Trim('\r', '\n'));
    }

    private static string Clean(string text) => Control().Replace(text.ReplaceLineEndings("\n"), "").TrimEnd('\n');

    /// <summary>What may stand before a quoted text: white space, or the command that takes a text.</summary>
    [GeneratedRegex(@"^\s*(/(set\s+)?system\s+)?", RegexOptions.CultureInvariant)]
    private static partial Regex Command();

    /// <summary>Sequences that colour text or move the cursor, single control characters, and halves of characters.</summary>
    [GeneratedRegex(@"\e\[[0-?]*[ -/]*[@-~]|\e\][^\a\e]*(\a|\e\\)|[\p{Cc}-[\n\t]]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]", RegexOptions.CultureInvariant)]
    private static partial Regex Control();
}
