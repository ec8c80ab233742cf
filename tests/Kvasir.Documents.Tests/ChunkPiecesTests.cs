using Kvasir.Documents.Chunking;

namespace Kvasir.Documents.Tests;

public class ChunkPiecesTests
{
    [Fact]
    public void Heading_and_short_sentences_join_what_follows_and_a_short_end_what_stands_before() => Assert.Equal(
        ["Money\n\nA berth costs four crowns a night for small boats.", "The yearly fee is due on the last day of February. Pay it."],
        ChunkPieces.Of(
            "Money\n\nA berth costs four crowns a night for small boats. The yearly fee is due on the last day of February. Pay it."));

    [Fact]
    public void Many_sentences_share_pieces_and_none_is_lost()
    {
        string text = string.Join(
            ' ', Enumerable.Range(0, 50).Select(i => $"This is the sentence that has the number {i}{new string('x', i)}."));
        List<string> pieces = ChunkPieces.Of(text);
        Assert.Equal(ChunkPieces.Most, pieces.Count);
        Assert.Equal(text, string.Join(' ', pieces));
        Assert.InRange(pieces.Max(piece => piece.Length) / (double)pieces.Min(piece => piece.Length), 1, 2.5);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("a")]
    [InlineData("")]
    [InlineData("# Title\n\n")]
    public void Short_text_is_one_piece(string text) => Assert.Equal([text.Trim()], ChunkPieces.Of(text));
}
