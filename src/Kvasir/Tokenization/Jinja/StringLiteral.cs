namespace Kvasir.Tokenization.Jinja;

/// <summary>Escape sequences of Python string literals.</summary>
internal static class StringLiteral
{
    public static string Unescape(ReadOnlySpan<char> text, int line)
    {
        if (!text.Contains('\\')) return text.ToString();
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }

            i++;
            switch (text[i])
            {
                case '\n': break;
                case '\\' or '\'' or '"': result.Append(text[i]); break;
                case 'a': result.Append('\a'); break;
                case 'b': result.Append('\b'); break;
                case 'f': result.Append('\f'); break;
                case 'n': result.Append('\n'); break;
                case 'r': result.Append('\r'); break;
                case 't': result.Append('\t'); break;
                case 'v': result.Append('\v'); break;
                case 'x': AppendHex(text, ref i, 2, result, line); break;
                case 'u': AppendHex(text, ref i, 4, result, line); break;
                case 'U': AppendHex(text, ref i, 8, result, line); break;
                case >= '0' and <= '7': AppendOctal(text, ref i, result); break;
                default: result.Append('\\').Append(text[i]); break;
            }
        }

        return result.ToString();
    }

    private static void AppendHex(ReadOnlySpan<char> text, ref int at, int digits, StringBuilder result, int line)
    {
        if (at + digits >= text.Length
            || !uint.TryParse(text.Slice(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code)
            || code > 0x10FFFF)
        {
            throw TemplateError.At(line, $"a string has a broken \\{text[at]} escape");
        }

        at += digits;
        if (code <= char.MaxValue) result.Append((char)code);
        else result.Append(char.ConvertFromUtf32((int)code));
    }

    private static void AppendOctal(ReadOnlySpan<char> text, ref int at, StringBuilder result)
    {
        int code = 0;
        int end = Math.Min(at + 3, text.Length);
        while (at < end && text[at] is >= '0' and <= '7') code = (code * 8) + (text[at++] - '0');
        at--;
        result.Append((char)code);
    }
}
