using Kvasir.Numerics;
using Kvasir.Vision.Pictures;
using Kvasir.Vision.Towers;

namespace Kvasir.Vision.Tests.Pictures;

/// <summary>Other sizes, and tiles.</summary>
public sealed class ResizingTests
{
    private static readonly byte[] s_grey = [122, 116, 104];

    [Fact]
    public void A_picture_of_the_size_stays_as_it_is()
    {
        Picture picture = PictureReader.Read(PictureFiles.Encoded(32, 32, "png"), "x");
        Assert.Equal(picture.Pixels, Resizing.ToSquare(picture, 32, s_grey).Pixels);
        Assert.Equal(picture.Pixels, Resizing.Lanczos(picture, 32, 32).Pixels);
    }

    [Fact]
    public void A_wide_picture_stands_at_the_top_of_its_square()
    {
        var white = new Picture(40, 20, [.. Enumerable.Repeat((byte)255, 2400)]);
        Picture square = Resizing.ToSquare(white, 20, s_grey);
        Assert.Equal((255, 255, 255), (square[3, 2, 0], square[19, 9, 1], square[0, 0, 2]));
        Assert.Equal((122, 116, 104), (square[3, 12, 0], square[19, 19, 1], square[0, 11, 2]));
    }

    [Fact]
    public void Linear_interpolation_is_between_pixel_centres()
    {
        var picture = new Picture(2, 2, [0, 0, 0, 100, 100, 100, 200, 200, 200, 60, 60, 60]);
        Picture larger = Resizing.ToSquare(picture, 4, s_grey);
        // Place (1, 1) of four lies at 0.25, 0.25 of two: 0.75 * (0.75 * 0 + 0.25 * 100) + 0.25 * (0.75 * 200 + 0.25 * 60) = 60.
        Assert.Equal((60, 60), (larger[1, 1, 0], larger[1, 1, 2]));
        Assert.Equal(60, larger[3, 3, 1]);
    }

    [Fact]
    public void Lanczos_keeps_an_even_colour_and_the_mean_of_others()
    {
        var even = new Picture(50, 30, [.. Enumerable.Repeat((byte)77, 4500)]);
        Assert.All(Resizing.Lanczos(even, 17, 41).Pixels, value => Assert.Equal(77, value));
        Picture ramp = PictureReader.Read(PictureFiles.Encoded(90, 60, "png"), "x"), small = Resizing.Lanczos(ramp, 30, 20);
        for (int channel = 0; channel < 2; channel++)
        {
            int place = channel;
            double before = ramp.Pixels.Where((_, i) => i % 3 == place).Average(value => value),
                after = small.Pixels.Where((_, i) => i % 3 == place).Average(value => value);
            Assert.InRange(after, before - 1, before + 1);
        }
    }

    /// <summary>As Pillow's BILINEAR: between two pixels where a picture grows, a triangle over four where two become one.</summary>
    [Fact]
    public void Linear_resampling_goes_between_pixels_and_averages_what_it_covers()
    {
        var two = new Picture(2, 1, [0, 0, 0, 100, 100, 100]);
        Assert.Equal([0, 25, 75, 100], Red(Resizing.Linear(two, 4, 1)));
        var four = new Picture(4, 1, [0, 0, 0, 80, 80, 80, 120, 120, 120, 200, 200, 200]);
        // Weights .75, .75, .25 (over 1.75) at distances .25, .25, .75 from the first new pixel's centre.
        Assert.Equal([51, 149], Red(Resizing.Linear(four, 2, 1)));

        static int[] Red(Picture picture) => [.. picture.Pixels.Where((_, i) => i % 3 == 0).Select(value => (int)value)];
    }

    [Theory]
    [InlineData(512, 512, 4, 4)]
    [InlineData(800, 600, 3, 4)]
    [InlineData(600, 800, 4, 3)]
    [InlineData(100, 2000, 4, 1)]
    public void Tiles_cover_a_picture_brought_to_its_longest_edge(int width, int height, int rows, int columns) =>
        Assert.Equal((rows, columns), Tiles.GridOf(width, height, Spec(2048)));

    [Fact]
    public void A_picture_of_one_tile_is_seen_once_and_others_as_a_whole_too()
    {
        Picture picture = PictureReader.Read(PictureFiles.Encoded(60, 40, "png"), "x");
        Assert.Equal((0, 0, 1), Of(Tiles.Cut(picture, Spec(512))));
        var cut = Tiles.Cut(picture, Spec(1024));
        Assert.Equal((2, 2, 5), Of(cut));
        Assert.All(cut.Pictures, tile => Assert.Equal((512, 512), (tile.Width, tile.Height)));
        Picture first = Resizing.Lanczos(Resizing.Lanczos(picture, 1024, 682), 1024, 1024).Crop(512, 0, 512, 512);
        Assert.Equal(first.Pixels, cut.Pictures[1].Pixels);

        static (int, int, int) Of(Tiles tiles) => (tiles.Rows, tiles.Columns, tiles.Pictures.Count);
    }

    private static TowerSpec Spec(int longest) => new()
    {
        ImageSize = 512,
        PatchSize = 16,
        Width = 8,
        FeedForward = 8,
        Heads = 1,
        Blocks = 1,
        Epsilon = 1e-6f,
        Activation = Activation.GeluTanh,
        Mean = [0.5f, 0.5f, 0.5f],
        Deviation = [0.5f, 0.5f, 0.5f],
        Square = 4,
        LongestEdge = longest,
    };
}
