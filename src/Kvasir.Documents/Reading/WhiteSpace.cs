namespace Kvasir.Documents.Reading;

internal static class WhiteSpace
{
    /// <summary>The words of a text with one space between them.</summary>
    public static string Collapse(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
