using System.Numerics.Tensors;

namespace Kvasir.Vision.Towers;

/// <summary>Makes what the projector reads for a row of the features [patches, width] of its square of patches.</summary>
internal delegate void PatchGathering(TowerSpec spec, ReadOnlySpan<float> features, int row, Span<float> destination);

/// <summary>The squares of patches that become a row each, from the top left, row by row.</summary>
internal static class PatchSquare
{
    /// <summary>Their features one after the other, [square * square * width].</summary>
    public static void SideBySide(TowerSpec spec, ReadOnlySpan<float> features, int row, Span<float> destination)
    {
        int length = spec.Square * spec.Width;
        for (int y = 0; y < spec.Square; y++)
            features.Slice(FirstPatch(spec, row, y) * spec.Width, length).CopyTo(destination[(y * length)..]);
    }

    /// <summary>The mean of their features, [width].</summary>
    public static void Mean(TowerSpec spec, ReadOnlySpan<float> features, int row, Span<float> destination)
    {
        destination.Clear();
        for (int y = 0; y < spec.Square; y++)
            for (int x = 0; x < spec.Square; x++)
                TensorPrimitives.Add(destination, features.Slice((FirstPatch(spec, row, y) + x) * spec.Width, spec.Width), destination);
        TensorPrimitives.Divide(destination, spec.Square * spec.Square, destination);
    }

    /// <summary>The first patch of a line of a row's square.</summary>
    private static int FirstPatch(TowerSpec spec, int row, int line)
    {
        int across = spec.Side / spec.Square;
        return (row / across * spec.Square + line) * spec.Side + row % across * spec.Square;
    }
}
