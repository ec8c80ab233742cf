using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.Metadata;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace Kvasir.Vision.Pictures;

/// <summary>
/// Pictures from files: PNG, JPEG, WebP, BMP, and the first frame of a GIF. Managed code alone decodes them, so a hostile file can fail but
/// not bring the process down; bytes and pixels are limited before anything is decoded, memory while it is.
/// </summary>
internal static class PictureReader
{
    /// <summary>The largest file.</summary>
    public const int MostBytes = 64 << 20;

    /// <summary>The most pixels of a picture.</summary>
    public const int MostPixels = 48 << 20;

    /// <summary>The longest side, so that sums of rows stay small.</summary>
    public const int LongestSide = 1 << 15;

    private const int MostMegabytes = 1024;

    /// <summary>Endings of the files that are read.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];

    /// <summary>Made for the first picture: it takes longer than all else that starting a process needs.</summary>
    private static readonly Lazy<SixLabors.ImageSharp.Configuration> s_formats = new(Formats);

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidInputException">It is missing, too large, of another kind, or damaged.</exception>
    public static Picture Read(string path) => Read(ReadBytes(path), path);

    /// <summary>The bytes of a picture's file.</summary>
    /// <exception cref="InvalidInputException">It is missing or too large.</exception>
    public static byte[] ReadBytes(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Directory.Exists(path)) throw new InvalidInputException($"{path}: a folder; give a picture's file");
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MostBytes) throw new InvalidInputException($"{path}: a picture of more than {MostBytes >> 20} MB");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException($"{path}: no such file", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidInputException($"{path}: cannot be read ({error.Message})", error);
        }
    }

    /// <summary>Decodes a picture.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <exception cref="InvalidInputException">It is too large, of another kind, or damaged.</exception>
    public static Picture Read(byte[] bytes, string name)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.Length > MostBytes) throw new InvalidInputException($"{name}: a picture of more than {MostBytes >> 20} MB");
        try
        {
            using var stream = new MemoryStream(bytes, writable: false);
            CheckSize(Image.Identify(s_formats.Value, stream), name);
            stream.Position = 0;
            using Image<Rgb24> image = Image.Load<Rgb24>(s_formats.Value, stream);
            CheckSize(image, name);
            image.Mutate(turned => turned.AutoOrient());
            var pixels = new byte[image.Width * image.Height * 3];
            image.CopyPixelDataTo(pixels);
            return new Picture(image.Width, image.Height, pixels);
        }
#pragma warning disable CA1031 // a decoder's complaint about a damaged file may be any exception: all of them are one line
        catch (Exception error) when (error is not InvalidInputException)
#pragma warning restore CA1031
        {
            throw new InvalidInputException($"{name}: a damaged picture ({error.Message.ReplaceLineEndings(" ")})", error);
        }
    }

    private static void CheckSize(IImageInfo? size, string name)
    {
        if (size is null) throw new InvalidInputException($"{name}: not a picture that can be read (PNG, JPEG, WebP, BMP and GIF can)");
        if (size.Width < 1 || size.Height < 1 || size.Width > LongestSide || size.Height > LongestSide
            || (long)size.Width * size.Height > MostPixels)
            throw new InvalidInputException($"{name}: a picture of {size.Width} x {size.Height} pixels; at most {MostPixels >> 20} million "
                + $"and {LongestSide} on a side can be read");
    }

    /// <summary>The five formats; what stands beside the pixels is skipped, but for a photograph's orientation.</summary>
    private static SixLabors.ImageSharp.Configuration Formats()
    {
        var formats = new SixLabors.ImageSharp.Configuration
        {
            MaxDegreeOfParallelism = 1,
            MemoryAllocator = MemoryAllocator.Create(
                new MemoryAllocatorOptions { MaximumPoolSizeMegabytes = 64, AllocationLimitMegabytes = MostMegabytes }),
        };
        Add(PngFormat.Instance, new PngDecoder { IgnoreMetadata = true }, new PngImageFormatDetector());
        Add(JpegFormat.Instance, new JpegDecoder(), new JpegImageFormatDetector());
        Add(WebpFormat.Instance, new WebpDecoder { IgnoreMetadata = true }, new WebpImageFormatDetector());
        Add(BmpFormat.Instance, new BmpDecoder(), new BmpImageFormatDetector());
        Add(GifFormat.Instance, new GifDecoder { IgnoreMetadata = true, DecodingMode = FrameDecodingMode.First },
            new GifImageFormatDetector());
        return formats;

        void Add(IImageFormat format, IImageDecoder decoder, IImageFormatDetector detector)
        {
            formats.ImageFormatsManager.SetDecoder(format, decoder);
            formats.ImageFormatsManager.AddImageFormatDetector(detector);
        }
    }
}
