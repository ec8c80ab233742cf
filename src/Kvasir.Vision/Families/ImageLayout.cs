using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Vision.Families;

/// <summary>How a picture stands in a prompt: runs of rows, and the text of tokens that some models want around and between them.</summary>
/// <param name="Parts">In their order.</param>
internal sealed record ImageLayout(IReadOnlyList<ImagePart> Parts)
{
    /// <summary>Rows of all parts.</summary>
    public int Rows => Parts.Sum(part => part.Rows);

    /// <summary>The ids of a picture that is known by <paramref name="identity"/>: rows need not be there.</summary>
    public int[] Ids(Tokenizer tokenizer, string identity) => [.. Parts.Index().SelectMany(part => part.Item.Rows > 0
        ? InputEmbeddings.IdsOf(ContentOf(identity, part.Index), part.Item.Rows)
        : tokenizer.Encode(part.Item.Text, parseSpecial: true, addSpecial: false))];

    /// <summary>What the ids of a part's rows are made from.</summary>
    public static byte[] ContentOf(string identity, int part) => Encoding.UTF8.GetBytes($"{identity}/{part}");
}

/// <summary>A number of rows, or the text of tokens beside them.</summary>
internal readonly record struct ImagePart(string Text, int Rows);
