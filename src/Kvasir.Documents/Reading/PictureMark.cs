namespace Kvasir.Documents.Reading;

/// <summary>
/// How a picture stands in a chunk's text: a line of its file's SHA-256 and its size, between characters that no other text has (reading
/// drops them), and its caption behind. The picture's KV is known by it.
/// </summary>
/// <param name="Hash">SHA-256 of the file.</param>
/// <param name="Width">Columns of pixels.</param>
/// <param name="Height">Rows of pixels.</param>
/// <param name="Caption">What is said of it; may be empty.</param>
internal sealed record PictureMark(byte[] Hash, int Width, int Height, string Caption)
{
    private const char Edge = '\u0001';

    /// <summary>The picture that a chunk is, or null.</summary>
    public static PictureMark? Find(string text)
    {
        int end = text.Length > 0 && text[0] == Edge ? text.IndexOf(Edge, 1) : -1;
        if (end < 0 || text[1..end].Split(' ', 'x') is not [{ Length: 64 } hash, var width, var height]
            || !hash.All(char.IsAsciiHexDigit) || !int.TryParse(width, NumberStyles.None, CultureInfo.InvariantCulture, out int columns)
            || !int.TryParse(height, NumberStyles.None, CultureInfo.InvariantCulture, out int rows)) return null;
        return new PictureMark(Convert.FromHexString(hash), columns, rows, text[(end + 1)..].Trim());
    }

    /// <summary>What of a chunk's text is for people and searches: of a picture its caption.</summary>
    public static string Shown(string text) => Find(text) is { } picture ? picture.Caption : text;

    /// <summary>The chunk's text.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Edge}{Convert.ToHexStringLower(Hash)} {Width}x{Height}{Edge}\n{Caption}");
}
