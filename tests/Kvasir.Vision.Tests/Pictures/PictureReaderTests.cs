using System.Buffers.Binary;
using Kvasir.Vision.Pictures;

namespace Kvasir.Vision.Tests.Pictures;

/// <summary>What is read of pictures, and what is refused before it is decoded.</summary>
public sealed class PictureReaderTests
{
    public static TheoryData<string> Formats => [.. PictureFiles.Formats];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_format_gives_the_picture(string format)
    {
        Picture exact = PictureReader.Read(PictureFiles.Encoded(40, 30, "bmp"), "x"), read =
            PictureReader.Read(PictureFiles.Encoded(40, 30, format), "x");
        Assert.Equal((40, 30), (read.Width, read.Height));
        double apart = exact.Pixels.Zip(read.Pixels, (a, b) => Math.Abs(a - b)).Average();
        Assert.InRange(apart, 0, format is "bmp" or "png" or "png-interlaced" or "webp-lossless" ? 0 : 12);
    }

    [Theory]
    [InlineData(40_000, 10)]
    [InlineData(20_000, 20_000)]
    public void A_picture_that_says_it_is_larger_than_allowed_is_not_decoded(int width, int height)
    {
        byte[] bmp = PictureFiles.Encoded(8, 8, "bmp");
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(22), height);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(bmp, $"{width} x {height} pixels");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void What_is_no_picture_is_one_line()
    {
        Refused(Encoding.UTF8.GetBytes("A text that is no picture at all."), "not a picture that can be read");
        Refused([], "not a picture that can be read");
        Refused([.. PictureFiles.Encoded(64, 64, "png").Take(40)], "a damaged picture");
        Assert.Contains("no such file", Assert.Throws<InvalidInputException>(() => PictureReader.Read("/nowhere/x.png")).Message,
            StringComparison.Ordinal);
        Assert.Contains("a folder", Assert.Throws<InvalidInputException>(() => PictureReader.Read(Path.GetTempPath())).Message,
            StringComparison.Ordinal);
    }

    private static void Refused(byte[] bytes, string why)
    {
        string message = Assert.Throws<InvalidInputException>(() => PictureReader.Read(bytes, "x.png")).Message;
        Assert.StartsWith("x.png: ", message, StringComparison.Ordinal);
        Assert.Contains(why, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
