namespace Kvasir.Tests.Tokenization;

/// <summary>Random texts that tokenizers find hard.</summary>
internal static class RandomText
{
    private static readonly string[] s_parts =
    [
        "a", "b", "s", "t", "re", "ve", "LL", "D", "'s", "'t", "'RE", "'", "\u017F", "'ll", "Ab", "AB", " ", " ", "  ", "\n", "\r\n", "\t",
            "\u00A0", "\u3000", "1", "23", "4567",
        "\u0663", "\u00BD", "\u216B", ".", ",", "!?", "$", "+", "/", "(", "_", "`", "\u201C", "\u2014", "\u00E9", "\u00C9", "\u01C5",
            "\u02B0", "e\u0301", "\u0301", "\u0915\u093F", "\u4F60",
        "\u597D", "\u3042", "\u30A2", "\uD55C", "\u0431", "\u0411", "\U0001F600", "\U0001D7D9", "\U00020000", "\U0001D400", "\U0001D41A",
            "\u200D", "\u0001", "\uE000", "\u2581", "=", "9", "\uFF01",
    ];

    /// <summary>A few of the parts, one after another.</summary>
    public static string Mixed(Random random, int parts)
    {
        var text = new StringBuilder();
        for (int i = 0; i < parts; i++)
        {
            text.Append(s_parts[random.Next(s_parts.Length)]);
        }
        return text.ToString();
    }

    /// <summary>Any code points, most of them small.</summary>
    public static string Unicode(Random random, int length)
    {
        var text = new StringBuilder();
        while (text.Length < length)
        {
            int value = random.Next(1 << random.Next(5, 22));
            if (Rune.IsValid(value))
            {
                text.Append(new Rune(value).ToString());
            }
        }
        return text.ToString();
    }

    /// <summary>Any UTF-16 units, halves of surrogate pairs too.</summary>
    public static string Utf16(Random random, int length) =>
        string.Create(length, random, static (span, random) =>
        {
            foreach (ref char unit in span)
            {
                unit = random.Next(4) == 0 ? (char)random.Next(0xD7F0, 0xE010) : (char)random.Next(1 << random.Next(4, 17));
            }
        });
}
