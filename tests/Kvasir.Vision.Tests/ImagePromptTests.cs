using Kvasir.Models;
using Kvasir.Vision.Families;

namespace Kvasir.Vision.Tests;

/// <summary>Where pictures stand in texts.</summary>
public sealed class ImagePromptTests
{
    private static readonly LetterTokenizer s_letters = new();

    private readonly InputEmbeddings _embeddings = new(2);

    [Fact]
    public void Markers_are_replaced_in_their_order_and_the_text_between_is_tokenised_piece_by_piece()
    {
        (EncodedImage one, EncodedImage two) = (Image("a", 3), Image("b", 2));
        int[] ids = ImagePrompt.Encode(s_letters, "x<image>yz<image>", [one, two], _embeddings);
        Assert.Equal([1, 'x', .. one.Ids(s_letters, _embeddings), 'y', 'z', .. two.Ids(s_letters, _embeddings)], ids);
        Assert.Equal(5, ids.Count(id => id < 0));
        Assert.All(ids, id => Assert.True(id >= 0 || _embeddings.Contains(id)));
    }

    [Fact]
    public void Pictures_without_markers_stand_before_the_text_a_line_each()
    {
        (EncodedImage one, EncodedImage two) = (Image("a", 3), Image("b", 2));
        Assert.Equal([1, .. one.Ids(s_letters, _embeddings), '\n', .. two.Ids(s_letters, _embeddings), '\n', '?'],
            ImagePrompt.Encode(s_letters, "?", [one, two], _embeddings));
    }

    [Fact]
    public void A_marker_without_pictures_is_text_and_other_numbers_are_refused()
    {
        Assert.Equal(s_letters.Encode("<image>", addSpecial: true), ImagePrompt.Encode(s_letters, "<image>", [], _embeddings));
        Assert.Contains("2 times <image>, but there is 1 picture", Assert.Throws<InvalidInputException>(
            () => ImagePrompt.Encode(s_letters, "<image><image>", [Image("a", 3)], _embeddings)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_pictures_have_equal_ids_and_others_have_others()
    {
        int[] Ids(string identity) => Image(identity, 4).Ids(s_letters, _embeddings);
        Assert.Equal(Ids("a"), Ids("a"));
        Assert.Empty(Ids("a").Intersect(Ids("b")));
        Assert.Equal(4, Ids("a").Distinct().Count());
    }

    private static EncodedImage Image(string identity, int rows) => new("x.png", identity.PadRight(64, identity[0]),
        new ImageLayout([new ImagePart("", rows)]), [[.. Enumerable.Range(0, 2 * rows).Select(i => i + identity[0] / 10f)]]);
}
