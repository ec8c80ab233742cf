using Kvasir.Models;
using Kvasir.Server.Requests;
using Kvasir.Vision;

namespace Kvasir.Server.Engine;

/// <summary>The pictures of a request: each is encoded where it is met, and a text stands for it in the messages.</summary>
internal sealed class RequestPictures(ServedModels models)
{
    /// <summary>Pictures of a request.</summary>
    public const int Most = 32;

    private const string Data = "data:", Base64 = ";base64,";

    private int _count;

    /// <summary>The rows of those met so far; null before the first.</summary>
    public InputEmbeddings? Embeddings { get; private set; }

    /// <summary>The text that stands for the picture of a <c>data:</c> URI, on a line of its own.</summary>
    /// <exception cref="RequestException">No such URI, no picture, too many, or a server without image encoder.</exception>
    public string ShowUri(RequestReader of, string name, string uri)
    {
        int content = uri.IndexOf(Base64, StringComparison.Ordinal);
        return uri.StartsWith(Data, StringComparison.Ordinal) && content > 0 ? Show(of, name, uri[(content + Base64.Length)..])
            : throw of.Wrong(name, $"give the picture itself, as {Data}image/png{Base64}…; nothing is fetched from here");
    }

    /// <summary>The text that stands for a picture whose file is given in base64, on a line of its own.</summary>
    /// <inheritdoc cref="ShowUri"/>
    public string Show(RequestReader of, string name, string base64)
    {
        if (models.Images is not { } encoder)
            throw of.Wrong(name, "this server has no image encoder; start it with one, or leave pictures out");
        if (++_count > Most) throw of.Wrong(name, $"give at most {Most} pictures");
        try
        {
            EncodedImage picture = encoder.Encode(Convert.FromBase64String(base64), $"picture {_count}");
            return picture.Show(models.Model.Tokenizer, Embeddings ??= new InputEmbeddings(models.Model.Config.Width)) + "\n";
        }
        catch (FormatException)
        {
            throw of.Wrong(name, "give base64");
        }
        catch (InvalidInputException unusable)
        {
            throw of.Wrong(name, unusable.Message);
        }
    }
}
