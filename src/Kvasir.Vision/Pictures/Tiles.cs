using Kvasir.Vision.Towers;

namespace Kvasir.Vision.Pictures;

/// <summary>
/// Idefics 3's way to show a picture: brought to a longest side, then to whole tiles, which the tower sees one by one, and the whole
/// picture after them. A picture of one tile is seen once.
/// </summary>
/// <param name="Rows">Tiles from top to bottom; 0 where the whole alone is seen.</param>
/// <param name="Columns">Tiles from left to right.</param>
/// <param name="Pictures">The tiles, row by row, and the whole, each of the tower's size.</param>
internal sealed record Tiles(int Rows, int Columns, IReadOnlyList<Picture> Pictures)
{
    private const int LongestEdge = 4096;

    public static Tiles Cut(Picture picture, TowerSpec spec)
    {
        int side = spec.ImageSize;
        (int width, int height) = Fitted(picture.Width, picture.Height, spec.LongestEdge);
        Picture fitted = Resizing.Lanczos(picture, width, height);
        (int rows, int columns) = GridOf(picture.Width, picture.Height, spec);
        fitted = Resizing.Lanczos(fitted, Math.Max(1, columns) * side, Math.Max(1, rows) * side);
        if (rows == 0) return new Tiles(0, 0, [fitted]);
        IEnumerable<Picture> tiles = from row in Enumerable.Range(0, rows)
                                     from column in Enumerable.Range(0, columns)
                                     select fitted.Crop(column * side, row * side, side, side);
        return new Tiles(rows, columns, [.. tiles, Resizing.Lanczos(fitted, side, side)]);
    }

    /// <summary>Tiles of a picture of a size; none where it fits one.</summary>
    public static (int Rows, int Columns) GridOf(int width, int height, TowerSpec spec)
    {
        (width, height) = Fitted(width, height, spec.LongestEdge);
        (width, height) = WholeTiles(width, height, spec.ImageSize);
        (int rows, int columns) = (height / spec.ImageSize, width / spec.ImageSize);
        return rows * columns == 1 ? (0, 0) : (rows, columns);
    }

    /// <summary>The longer side as asked, the shorter in proportion and even.</summary>
    private static (int Width, int Height) Fitted(int width, int height, int longest)
    {
        longest = Math.Min(longest, LongestEdge);
        double aspect = (double)width / height;
        return width >= height ? (longest, Even((int)(longest / aspect))) : (Even((int)(longest * aspect)), longest);

        static int Even(int size) => Math.Max(1, size + size % 2);
    }

    /// <summary>The longer side rounded up to tiles, and the shorter in proportion to that.</summary>
    private static (int Width, int Height) WholeTiles(int width, int height, int side)
    {
        double aspect = (double)width / height;
        if (width >= height)
        {
            width = Up(width);
            return (width, Up((int)(width / aspect)));
        }
        height = Up(height);
        return (Up((int)(height * aspect)), height);

        int Up(int size) => Math.Max(1, (size + side - 1) / side) * side;
    }
}
