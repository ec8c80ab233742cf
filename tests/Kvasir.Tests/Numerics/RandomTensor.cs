using Kvasir.Formats;
using Kvasir.Memory;
using Kvasir.Quantization;

namespace Kvasir.Tests.Numerics;

/// <summary>A tensor of random block bytes (any bytes are a valid block, but for scales that are not finite).</summary>
internal sealed unsafe class RandomTensor : IDisposable
{
    private readonly NativeBuffer _buffer;

    public RandomTensor(TensorType type, int rows, int columns, int seed)
    {
        var (length, bytes, halves) = Shape(type);
        _buffer = new NativeBuffer((long)rows * columns / length * bytes);
        Tensor = new Tensor("w", type, [rows, columns], _buffer.Pointer, _buffer.Length);
        var random = new Random(seed);
        var all = _buffer.Span<byte>(0, checked((int)_buffer.Length));
        random.NextBytes(all);
        for (int at = 0; at < all.Length; at += bytes)
        {
            foreach (int half in halves)
                BitConverter.TryWriteBytes(all[(at + half)..], (Half)((random.NextDouble() - 0.5) / 16));
            if (type == TensorType.F32) BitConverter.TryWriteBytes(all[at..], (float)(random.NextDouble() - 0.5));
            if (type == TensorType.BF16)
                BitConverter.TryWriteBytes(all[at..], (ushort)(BitConverter.SingleToInt32Bits((float)(random.NextDouble() - 0.5)) >> 16));
        }
    }

    public Tensor Tensor { get; }

    public static TensorType[] Types => Enum.GetValues<TensorType>();

    public static int BlockLength(TensorType type) => Shape(type).Length;

    /// <summary>Sets all bytes that are not f16 values.</summary>
    public void Fill(byte value)
    {
        var (_, bytes, halves) = Shape(Tensor.Type);
        for (int at = 0; at < _buffer.Length; at++)
        {
            int inBlock = at % bytes;
            if (!halves.Any(half => inBlock == half || inBlock == half + 1)) _buffer.Pointer[at] = value;
        }
    }

    /// <summary>Sets every f16 value of every third block.</summary>
    public void SetHalves(Half value)
    {
        var (_, bytes, halves) = Shape(Tensor.Type);
        for (int at = 0; at < _buffer.Length; at += 3 * bytes)
            foreach (int half in halves) BitConverter.TryWriteBytes(_buffer.Span<byte>(at + half, 2), value);
    }

    public void Dispose() => _buffer.Dispose();

    /// <summary>Elements and bytes of a block, and where its f16 values lie.</summary>
    private static (int Length, int Bytes, int[] Halves) Shape(TensorType type) => type switch
    {
        TensorType.F32 => (1, 4, []),
        TensorType.F16 => (1, 2, [0]),
        TensorType.BF16 => (1, 2, []),
        TensorType.Q4_0 => (32, 18, [0]),
        TensorType.Q4_1 => (32, 20, [0, 2]),
        TensorType.Q5_0 => (32, 22, [0]),
        TensorType.Q5_1 => (32, 24, [0, 2]),
        TensorType.Q8_0 => (32, 34, [0]),
        TensorType.Q2_K => (256, 84, [80, 82]),
        TensorType.Q3_K => (256, 110, [108]),
        TensorType.Q4_K => (256, 144, [0, 2]),
        TensorType.Q5_K => (256, 176, [0, 2]),
        TensorType.Q6_K => (256, 210, [208]),
        TensorType.IQ4_NL => (32, 18, [0]),
        TensorType.IQ4_XS => (256, 136, [0]),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
