namespace Kvasir.Numerics;

/// <summary>Rows of floats in memory, one behind the other at a fixed distance.</summary>
/// <param name="first">The first of them.</param>
/// <param name="stride">Floats from the beginning of a row to that of the next.</param>
internal readonly unsafe struct FloatRows(float* first, long stride)
{
    public float* First => first;

    public long Stride => stride;

    /// <summary>A row.</summary>
    public float* Row(long row) => first + row * stride;

    /// <summary>The rows from one of them on.</summary>
    public FloatRows From(long row) => new(Row(row), stride);
}
