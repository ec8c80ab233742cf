using Kvasir.Models;
using Kvasir.Tokenization;
using Kvasir.Vision.Families;

namespace Kvasir.Vision;

/// <summary>
/// A picture as a language model reads it: rows that stand in place of tokens, and the tokens that some models want around and between
/// them.
/// </summary>
public sealed class EncodedImage
{
    private const int ShownDigits = 16;

    private readonly ImageLayout _layout;
    private readonly IReadOnlyList<float[]> _rows;

    /// <param name="name">What it is called.</param>
    /// <param name="identity">What it is known by.</param>
    /// <param name="layout">How it stands in a prompt.</param>
    /// <param name="rows">Of each part that has rows.</param>
    internal EncodedImage(string name, string identity, ImageLayout layout, IReadOnlyList<float[]> rows) =>
        (Name, Identity, _layout, _rows) = (name, identity, layout, rows);

    /// <summary>The file's name, or what the picture was called.</summary>
    public string Name { get; }

    /// <summary>SHA-256 (hex) over the file's bytes, the encoder, and how it computes: equal ones have equal rows.</summary>
    public string Identity { get; }

    /// <summary>Rows of embeddings.</summary>
    public int Rows => _layout.Rows;

    /// <summary>All rows [rows, width], without the tokens around them.</summary>
    public float[] ToArray() => [.. _rows.SelectMany(rows => rows)];

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
        int next = 0;
        foreach ((int index, ImagePart part) in _layout.Parts.Index())
            if (part.Rows > 0) embeddings.Add(_rows[next++], ImageLayout.ContentOf(Identity, index));
        return _layout.Ids(tokenizer, Identity);
    }
}
