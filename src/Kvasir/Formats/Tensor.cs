using Kvasir.Quantization;

namespace Kvasir.Formats;

/// <summary>
/// A stored tensor: a view into a mapped file, valid while its <see cref="ModelFile"/> is open.
/// Seen as a matrix [<see cref="Rows"/>, <see cref="Columns"/>] in row-major order; a vector has one row.
/// The range was checked against the file when the tensor was listed.
/// </summary>
public sealed unsafe class Tensor
{
    private readonly byte* _data;

    internal Tensor(string name, TensorType type, IReadOnlyList<long> shape, byte* data, long byteLength)
    {
        Name = name;
        Type = type;
        Shape = shape;
        _data = data;
        ByteLength = byteLength;
    }

    /// <summary>The name in GGUF's terms (<c>blk.0.attn_q.weight</c>), whatever the file's own.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public TensorType Type { get; }

    /// <summary>Sizes, outermost first ([rows, columns] for a matrix).</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Length in bytes.</summary>
    public long ByteLength { get; }

    /// <summary>The innermost size.</summary>
    public int Columns => checked((int)Shape[^1]);

    /// <summary>The product of all other sizes.</summary>
    public int Rows
    {
        get
        {
            long rows = 1;
            for (int i = 0; i < Shape.Count - 1; i++) rows *= Shape[i];
            return checked((int)rows);
        }
    }

    internal byte* Data => _data;

    /// <summary>The bytes of one row.</summary>
    internal ReadOnlySpan<byte> RowBytes(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        long length = ByteLength / Rows;
        return new ReadOnlySpan<byte>(_data + row * length, checked((int)length));
    }

    /// <summary>Some consecutive rows of this tensor under another name (a part of a fused matrix).</summary>
    internal Tensor Slice(string name, int firstRow, int rows)
    {
        if (firstRow < 0 || rows < 1 || firstRow + rows > Rows)
            throw new InvalidInputException($"{Name} has {Rows} rows; rows {firstRow}..{firstRow + rows} were asked for");
        long length = ByteLength / Rows;
        return new Tensor(name, Type, Shape.Count == 1 ? [Columns] : [rows, Columns], _data + firstRow * length, rows * length);
    }
}
