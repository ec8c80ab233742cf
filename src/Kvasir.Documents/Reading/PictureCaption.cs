namespace Kvasir.Documents.Reading;

/// <summary>
/// What is said of a picture beside it: a text of the same name (<c>photo.txt</c>, <c>photo.md</c>, <c>photo.jpg.txt</c>), and paragraphs
/// of the folder's texts that name its file.
/// </summary>
internal static class PictureCaption
{
    private const int Longest = 600, MostFiles = 64;
    private const long LongestFile = 1 << 20;

    private static readonly string[] s_endings = [".txt", ".md"];

    /// <summary>The caption; empty where nothing is said.</summary>
    public static string Of(string picture)
    {
        string folder = Path.GetDirectoryName(picture)!, name = Path.GetFileName(picture), stem = Path.GetFileNameWithoutExtension(name);
        var said = new List<string>();
        foreach (string path in Texts(folder))
        {
            string text = Read(path);
            string of = Path.GetFileNameWithoutExtension(path);
            if (of == stem || of == name) said.Insert(0, text.Trim());
            else said.AddRange(text.ReplaceLineEndings("\n").Split("\n\n").Where(part => part.Contains(name, StringComparison.Ordinal))
                .Select(part => part.Trim()));
        }

        string caption = string.Join("\n", said.Distinct(StringComparer.Ordinal));
        return TextDecoder.WithoutControls(caption.Length <= Longest ? caption : caption[..Longest]).Trim();
    }

    private static IEnumerable<string> Texts(string folder)
    {
        try
        {
            return [.. new DirectoryInfo(folder).EnumerateFiles()
                .Where(file => file.Length is > 0 and <= LongestFile && s_endings.Contains(file.Extension.ToLowerInvariant()))
                .Select(file => file.FullName).Order(StringComparer.Ordinal).Take(MostFiles)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string Read(string path)
    {
        try
        {
            return TextDecoder.Decode(DocumentReader.Load(path), []);
        }
        catch (UnreadableDocumentException)
        {
            return "";
        }
    }
}
