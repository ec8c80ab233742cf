using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Vision;

/// <summary>
/// A picture as a language model reads it: rows that stand in place of tokens, and the tokens that some models want around and between
/// them.
/// </summary>
public sealed class EncodedImage
{
    private const int ShownDigits = 16;

    private readonly IReadOnlyList<ImagePart> _parts;
    private readonly int _width;

    internal EncodedImage(string name, string identity, int width, IReadOnlyList<ImagePart> parts) =>
        (Name, Identity, _width, _parts) = (name, identity, width, parts);

    /// <summary>The file's name, or what the picture was called.</summary>
    public string Name { get; }

    /// <summary>SHA-256 (hex) over the file's bytes, the encoder, and how it computes: equal ones have equal rows.</summary>
    public string Identity { get; }

    /// <summary>Rows of embeddings.</summary>
    public int Rows => _parts.Sum(part => part.Rows.Length / _width);

    /// <summary>All rows [rows, width], without the tokens around them.</summary>
    public float[] ToArray() => [.. _parts.SelectMany(part => part.Rows)];

    /// <summary>
    /// Takes the picture into the embeddings of a session, and gives the text that stands for it in the session's messages.
    /// </summary>
    /// <param name="tokenizer">The language model's.</param>
    /// <param name="embeddings">The session's.</param>
    public string Show(Tokenizer tokenizer, InputEmbeddings embeddings)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        string marker = $"<image {Identity[..ShownDigits]}>";
        embeddings.Name(marker, Ids(tokenizer, embeddings));
        return marker;
    }

    /// <summary>The ids to put into a prompt: below 0 for rows, which <paramref name="embeddings"/> takes in, else the tokens'.</summary>
    /// <param name="tokenizer">The language model's.</param>
    /// <param name="embeddings">Of the language model's width; goes with the prompt.</param>
    public int[] Ids(Tokenizer tokenizer, InputEmbeddings embeddings)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(embeddings);
        return [.. _parts.SelectMany(part => part.Rows.Length > 0
            ? embeddings.Add(part.Rows) : tokenizer.Encode(part.Text, parseSpecial: true, addSpecial: false))];
    }
}

/// <summary>Rows, or the text of tokens beside them.</summary>
/// <param name="Text">Empty where there are rows.</param>
/// <param name="Rows">[rows, width]; empty where there is text.</param>
internal sealed record ImagePart(string Text, float[] Rows);
