namespace Kvasir.Vision.Pictures;

/// <summary>Pictures of another size.</summary>
internal static class Resizing
{
    private const int LanczosLobes = 3;

    /// <summary>
    /// LLaVA's way as llama.cpp goes it: the picture stands in the top left of a square of colour <paramref name="background"/>, which is
    /// brought to <paramref name="side"/> by linear interpolation between the four nearest pixels, rounded to 8 bits. The square is never
    /// made: what lies outside is that colour.
    /// </summary>
    public static Picture ToSquare(Picture picture, int side, ReadOnlySpan<byte> background)
    {
        int longer = Math.Max(picture.Width, picture.Height);
        float scale = (float)longer / side;
        var pixels = new byte[side * side * 3];
        for (int y = 0; y < side; y++)
        {
            (int top, int bottom, float down) = Between(y, scale, longer);
            for (int x = 0; x < side; x++)
            {
                (int left, int right, float across) = Between(x, scale, longer);
                for (int c = 0; c < 3; c++)
                {
                    byte outside = background[c];
                    float upper = Mix(At(left, top), At(right, top), across), lower = Mix(At(left, bottom), At(right, bottom), across);
                    float value = MathF.Round(Mix(upper, lower, down), MidpointRounding.AwayFromZero);
                    pixels[(y * side + x) * 3 + c] = (byte)Math.Clamp(value, 0, 255);

                    float At(int column, int row) => column < picture.Width && row < picture.Height ? picture[column, row, c] : outside;
                }
            }
        }
        return new Picture(side, side, pixels);
    }

    /// <summary>Lanczos with three lobes, as Pillow does it.</summary>
    public static Picture Lanczos(Picture picture, int width, int height) =>
        Resampled(picture, width, height, LanczosLobes, x => Sinc(x) * Sinc(x / LanczosLobes));

    /// <summary>Linear interpolation as Pillow does it: the mean of what a new pixel covers where a picture gets smaller.</summary>
    public static Picture Linear(Picture picture, int width, int height) => Resampled(picture, width, height, 1, x => 1 - Math.Abs(x));

    /// <summary>
    /// A kernel that reaches so many pixels to either side, or as much wider as the shrinking asks; columns first and rounded to 8 bits in
    /// between.
    /// </summary>
    private static Picture Resampled(Picture picture, int width, int height, int reach, Func<double, double> kernel)
    {
        if (width != picture.Width) picture = Across(picture, width, reach, kernel);
        return height == picture.Height ? picture : Transposed(Across(Transposed(picture), height, reach, kernel));
    }

    private static Picture Across(Picture picture, int width, int reach, Func<double, double> kernel)
    {
        (int First, float[] Weights)[] taps = [.. Enumerable.Range(0, width).Select(x => Taps(x, picture.Width, width, reach, kernel))];
        var pixels = new byte[width * picture.Height * 3];
        for (int y = 0; y < picture.Height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < 3; c++)
                {
                    (int first, float[] weights) = taps[x];
                    float sum = 0;
                    for (int i = 0; i < weights.Length; i++) sum += weights[i] * picture[first + i, y, c];
                    pixels[(y * width + x) * 3 + c] = (byte)Math.Clamp(MathF.Floor(sum + 0.5f), 0, 255);
                }
        return new Picture(width, picture.Height, pixels);
    }

    /// <summary>Which columns make a new one, and by what weights, whose sum is 1.</summary>
    private static (int First, float[] Weights) Taps(int x, int from, int to, int reach, Func<double, double> kernel)
    {
        double scale = (double)from / to, filter = Math.Max(scale, 1), wide = reach * filter, centre = (x + 0.5) * scale;
        int first = Math.Max(0, (int)(centre - wide + 0.5)), end = Math.Min(from, (int)(centre + wide + 0.5));
        double[] weights = [.. Enumerable.Range(first, end - first).Select(i => (i - centre + 0.5) / filter)
            .Select(at => Math.Abs(at) >= reach ? 0 : kernel(at))];
        double sum = weights.Sum();
        return (first, [.. weights.Select(weight => (float)(weight / sum))]);
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);

    private static Picture Transposed(Picture picture)
    {
        var pixels = new byte[picture.Pixels.Length];
        for (int y = 0; y < picture.Height; y++)
            for (int x = 0; x < picture.Width; x++)
                picture.Pixels.AsSpan((y * picture.Width + x) * 3, 3).CopyTo(pixels.AsSpan((x * picture.Height + y) * 3));
        return new Picture(picture.Height, picture.Width, pixels);
    }

    /// <summary>The two pixels that a new one lies between, and how far it is from the first.</summary>
    private static (int First, int Second, float Share) Between(int at, float scale, int count)
    {
        float place = (at + 0.5f) * scale - 0.5f;
        int first = Math.Max(0, (int)MathF.Floor(place));
        return (first, Math.Min(first + 1, count - 1), place - first);
    }

    private static float Mix(float a, float b, float share) => a * (1 - share) + b * share;
}
