using Kvasir.Documents.Chunking;

namespace Kvasir.Documents.Tests;

/// <summary>Pictures as documents: their marks, what is said of them, and what is left out.</summary>
public sealed class PictureTests : LibraryFixture
{
    private static readonly byte[] s_hash = [.. Enumerable.Range(0, 32).Select(i => (byte)(7 * i))];

    [Fact]
    public void A_mark_says_which_picture_stands_there_and_a_text_cannot_have_one()
    {
        string text = new PictureMark(s_hash, 640, 480, "A boat.").ToString();
        PictureMark found = PictureMark.Find(text)!;
        Assert.Equal((640, 480, "A boat."), (found.Width, found.Height, found.Caption));
        Assert.Equal(s_hash, found.Hash);
        Assert.Equal(found.ToString(), PictureMark.Find(Chunker.PromptText(text))!.ToString());
        Assert.Equal(("A boat.", "plain"), (PictureMark.Shown(text), PictureMark.Shown("plain")));
        Document read = Assert.Single(DocumentParser.Parse("note.txt", Encoding.UTF8.GetBytes(text)));
        Assert.Null(PictureMark.Find(read.Text));
        foreach (string broken in (string[])["\u0001", "\u0001\u0001", text[..40], text.Replace("640", "-1", StringComparison.Ordinal)])
            Assert.Null(PictureMark.Find(broken));
    }

    [Fact]
    public void A_caption_is_the_text_of_the_same_name_and_what_other_texts_say_of_the_file()
    {
        string picture = Folder.File("said/boat.png", "x");
        Assert.Equal("", PictureCaption.Of(picture));
        Folder.File("said/boat.txt", "Taken at noon.\n");
        Folder.File("said/diary.md", "We walked.\n\nThe boat (boat.png) was red.\n\nThen it rained.");
        Folder.File("said/other.md", "Nothing of it; photoboat is another.");
        Assert.Equal("Taken at noon.\nThe boat (boat.png) was red.", PictureCaption.Of(picture));
        Folder.File("said/boat.md", new string('w', 5000));
        Assert.InRange(PictureCaption.Of(picture).Length, 1, 600);
    }

    [Fact]
    public void Without_an_image_encoder_pictures_are_left_out_with_the_reason()
    {
        using DocumentLibrary library = Open();
        Folder.File("pictures/a.txt", "Some text.");
        Folder.File("pictures/b.png", "no picture");
        IngestReport report = library.Ingest([Folder.Sub("pictures")]);
        SkippedFile skipped = Assert.Single(report.Skipped);
        Assert.EndsWith("b.png", skipped.Path, StringComparison.Ordinal);
        Assert.Contains("no image encoder", skipped.Reason, StringComparison.Ordinal);
        Assert.Contains("a picture has no text", Assert.Throws<UnreadableDocumentException>(
            () => DocumentParser.Parse("b.png", [1, 2, 3])).Message, StringComparison.Ordinal);
    }
}
