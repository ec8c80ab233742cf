using Kvasir.Numerics;

namespace Kvasir.Training.Operations;

/// <summary>
/// Rotary positions: each pair of a head's channels is turned by position · frequency (Su et al. 2021). A rotation's gradient is the
/// rotation back: dx = R(−position) dy.
/// </summary>
internal sealed unsafe class Rope
{
    private readonly Rotary _rotary;
    private readonly float[] _forward, _backward;

    /// <param name="rotary">Frequencies and how pairs lie.</param>
    /// <param name="length">Positions 0 to length − 1 have tables.</param>
    public Rope(Rotary rotary, int length)
    {
        _rotary = rotary;
        int table = rotary.TableLength;
        (_forward, _backward) = (new float[length * table], new float[length * table]);
        for (int position = 0; position < length; position++)
        {
            rotary.FillTable(position, _forward.AsSpan(position * table, table));
            rotary.FillTable(-position, _backward.AsSpan(position * table, table));
        }
    }

    /// <summary>Turns all heads [heads, size] of a row at a position, in place.</summary>
    public void Forward(Span<float> row, int size, int position) => Rotate(row, size, position, _forward);

    /// <summary>The gradient of <see cref="Forward"/>, in place.</summary>
    public void Backward(Span<float> row, int size, int position) => Rotate(row, size, position, _backward);

    private void Rotate(Span<float> row, int size, int position, float[] tables)
    {
        fixed (float* heads = row, table = tables.AsSpan(position * _rotary.TableLength, _rotary.TableLength))
            for (int at = 0; at <= row.Length - size; at += size) _rotary.Rotate(heads + at, table);
    }
}
