namespace Kvasir.Vision.Pictures;

/// <summary>A decoded picture: rows of red, green and blue from the top left, 8 bits each.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Pixels">[height, width, 3]</param>
internal sealed record Picture(int Width, int Height, byte[] Pixels)
{
    public byte this[int x, int y, int channel] => Pixels[((long)y * Width + x) * 3 + channel];

    /// <summary>A rectangle of it, which must lie within.</summary>
    public Picture Crop(int left, int top, int width, int height)
    {
        var part = new byte[width * height * 3];
        for (int y = 0; y < height; y++)
            Pixels.AsSpan(((top + y) * Width + left) * 3, width * 3).CopyTo(part.AsSpan(y * width * 3));
        return new Picture(width, height, part);
    }
}
