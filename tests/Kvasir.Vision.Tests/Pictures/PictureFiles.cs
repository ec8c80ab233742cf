using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;

namespace Kvasir.Vision.Tests.Pictures;

/// <summary>Files of every format, made here.</summary>
internal static class PictureFiles
{
    public static readonly string[] Formats = ["png", "png-interlaced", "jpeg", "webp", "webp-lossless", "bmp", "gif"];

    /// <summary>A picture of smooth colours and some noise.</summary>
    public static byte[] Encoded(int width, int height, string format)
    {
        var random = new Random(7);
        using var image = new Image<Rgb24>(width, height);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                image[x, y] = new Rgb24((byte)(x * 255 / width), (byte)(y * 255 / height), (byte)(100 + random.Next(30)));
        using var stream = new MemoryStream();
        image.Save(stream, Encoder(format));
        return stream.ToArray();
    }

    private static IImageEncoder Encoder(string format) => format switch
    {
        "png" => new PngEncoder(),
        "png-interlaced" => new PngEncoder { InterlaceMethod = PngInterlaceMode.Adam7 },
        "jpeg" => new JpegEncoder { Quality = 95 },
        "webp" => new WebpEncoder { FileFormat = WebpFileFormatType.Lossy, Quality = 95 },
        "webp-lossless" => new WebpEncoder { FileFormat = WebpFileFormatType.Lossless },
        "bmp" => new BmpEncoder(),
        _ => new GifEncoder(),
    };
}
