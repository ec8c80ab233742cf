using Kvasir.Documents.Asking;

namespace Kvasir.Server.Collections;

/// <summary>A passage as requests see it: without the paths of this machine.</summary>
internal static class Citation
{
    public static object Passage(string collection, Passage passage) => new
    {
        File = Path.GetFileName(passage.File),
        passage.Title,
        passage.DocumentId,
        passage.Chunk,
        passage.Parts,
        passage.Line,
        passage.Text,
        passage.Score,
        passage.Cosine,
        passage.Strength,
        Url = Url(collection, passage),
    };

    /// <summary>OpenAI's form, over the whole answer: the model does not say which sentence is from where.</summary>
    public static object Annotation(string collection, Passage passage, int answerLength) => new
    {
        Type = "url_citation",
        UrlCitation = new { Url = Url(collection, passage), Title = passage.Title, StartIndex = 0, EndIndex = answerLength },
    };

    /// <summary>Where the passage can be read on this server.</summary>
    private static string Url(string collection, Passage passage) =>
        $"/documents/{collection}/files/{Uri.EscapeDataString(Path.GetFileName(passage.File))}#chunk={passage.Chunk}";
}
