using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Vision;

/// <summary>Prompts of text and pictures.</summary>
public static class ImagePrompt
{
    /// <summary>Where a picture stands in a text.</summary>
    public const string Marker = "<image>";

    /// <summary>
    /// The ids of a prompt. Each <see cref="Marker"/> in the text is replaced by a picture, and the text between is tokenised piece by
    /// piece; where there is none, the pictures stand before the text, a line each.
    /// </summary>
    /// <param name="tokenizer">The language model's.</param>
    /// <param name="text">Special tokens in it are recognised.</param>
    /// <param name="images">The pictures, in their order; where there are none the text is tokenised as it is.</param>
    /// <param name="embeddings">Takes in the pictures' rows; to be given with the ids.</param>
    /// <param name="addSpecial">Begins as the tokenizer begins texts.</param>
    /// <exception cref="InvalidInputException">There are not as many markers as pictures.</exception>
    public static int[] Encode(Tokenizer tokenizer, string text, IReadOnlyList<EncodedImage> images, InputEmbeddings embeddings,
        bool addSpecial = true)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) return tokenizer.Encode(text, parseSpecial: true, addSpecial: addSpecial);
        string[] pieces = WithMarkers(text, images.Count).Split(Marker);
        if (pieces.Length != images.Count + 1)
            throw new InvalidInputException($"the prompt has {pieces.Length - 1} times {Marker}, but there "
                + $"{(images.Count == 1 ? "is 1 picture" : $"are {images.Count} pictures")}");
        List<int> ids = [.. tokenizer.Encode(pieces[0], parseSpecial: true, addSpecial: addSpecial)];
        for (int i = 0; i < images.Count; i++)
        {
            ids.AddRange(images[i].Ids(tokenizer, embeddings));
            if (pieces[i + 1].Length > 0) ids.AddRange(tokenizer.Encode(pieces[i + 1], parseSpecial: true, addSpecial: false));
        }
        return [.. ids];
    }

    /// <summary>A text with a marker for each picture: its own, or one a line before it.</summary>
    public static string WithMarkers(string text, int images)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Contains(Marker, StringComparison.Ordinal) ? text
            : string.Concat(Enumerable.Repeat(Marker + "\n", images)) + text;
    }
}
