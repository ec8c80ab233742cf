using System.Runtime.Intrinsics;
using static Kvasir.Quantization.BlockReaders;

namespace Kvasir.Quantization;

/// <summary>
/// A quantised type of GGML: blocks of unsigned codes with a scale for every group of columns, and either a zero point common to all
/// (value = scale * (code - zero)) or a minimum for every group (value = scale * code + minimum).
/// </summary>
internal sealed unsafe class BlockType(
    int length,
    int bytes,
    (int Bits, int Group, int ZeroPoint, bool HasMinimum) form,
    delegate*<BlockType, byte*, int, byte*, Half*, Half*, void> halves,
    delegate*<BlockType, byte*, int, byte*, float*, float*, void> floats)
{
    /// <summary>Elements that are read at a time, or fewer: the longest block, or as many short ones.</summary>
    public const int Run = 256;

    /// <summary>Groups of a run.</summary>
    public const int MostGroups = 16;

    private static readonly Dictionary<TensorType, BlockType> s_types = new()
    {
        [TensorType.Q4_0] = new(32, 18, (4, 32, 8, false), &Short<Half>, &Short<float>),
        [TensorType.Q4_1] = new(32, 20, (4, 32, 0, true), &Short<Half>, &Short<float>),
        [TensorType.Q5_0] = new(32, 22, (8, 32, 16, false), &Short<Half>, &Short<float>),
        [TensorType.Q5_1] = new(32, 24, (8, 32, 0, true), &Short<Half>, &Short<float>),
        [TensorType.Q8_0] = new(32, 34, (8, 32, 128, false), &Q8_0<Half>, &Q8_0<float>),
        [TensorType.Q2_K] = new(256, 84, (4, 16, 0, true), &Q2_K<Half>, &Q2_K<float>),
        [TensorType.Q3_K] = new(256, 110, (4, 16, 4, false), &Q3_K<Half>, &Q3_K<float>),
        [TensorType.Q4_K] = new(256, 144, (4, 32, 0, true), &Q4_K<Half>, &Q4_K<float>),
        [TensorType.Q5_K] = new(256, 176, (8, 32, 0, true), &Q5_K<Half>, &Q5_K<float>),
        [TensorType.Q6_K] = new(256, 210, (8, 16, 32, false), &Q6_K<Half>, &Q6_K<float>),
        [TensorType.IQ4_NL] = new(32, 18, (8, 32, 128, false), &IQ4_NL<Half>, &IQ4_NL<float>),
        [TensorType.IQ4_XS] = new(256, 136, (8, 32, 128, false), &IQ4_XS<Half>, &IQ4_XS<float>),
    };

    /// <summary>Elements of a block.</summary>
    public int Length { get; } = length;

    /// <summary>Bytes of a block.</summary>
    public int Bytes { get; } = bytes;

    /// <summary>Bits in which every code can be packed: 4 or 8.</summary>
    public int Bits { get; } = form.Bits;

    /// <summary>Columns that share a scale: 16 or 32.</summary>
    public int Group { get; } = form.Group;

    public int ZeroPoint { get; } = form.ZeroPoint;

    public bool HasMinimum { get; } = form.HasMinimum;

    /// <summary>The block type of a tensor type; null for the float types and for numbers that are no type.</summary>
    public static BlockType? Find(TensorType type) => s_types.GetValueOrDefault(type);

    /// <summary>
    /// Codes of the blocks of a run, and scale and minimum (only of types that have them) of each group, rounded to f16, whose largest
    /// value stands for all beyond.
    /// </summary>
    public void Read(byte* blocks, int count, byte* codes, ushort* scales, ushort* minimums) =>
        halves(this, blocks, count, codes, (Half*)scales, (Half*)minimums);

    /// <summary>The same with scales and minimums as they are.</summary>
    public void Read(byte* blocks, int count, byte* codes, float* scales, float* minimums) =>
        floats(this, blocks, count, codes, scales, minimums);

    /// <summary>Dequantises whole blocks; both spans have the same number of them. Two roundings, as in ggml.</summary>
    public void Dequantize(ReadOnlySpan<byte> source, Span<float> destination)
    {
        byte* codes = stackalloc byte[Run];
        float* scales = stackalloc float[MostGroups], minimums = stackalloc float[MostGroups];
        var zero = Vector256.Create((float)ZeroPoint);
        fixed (byte* first = source)
        fixed (float* values = destination)
        {
            byte* blocks = first;
            for (int at = 0; at < destination.Length; at += Run)
            {
                int run = Math.Min(Run, destination.Length - at), count = run / Length;
                Read(blocks, count, codes, scales, minimums);
                blocks += count * Bytes;
                for (int i = 0; i < run; i += Vector256<float>.Count)
                {
                    Vector256<float> value = (LoadBytes(codes + i) - zero) * scales[i / Group];
                    if (HasMinimum) value += Vector256.Create(minimums[i / Group]);
                    value.Store(values + at + i);
                }
            }
        }
    }

    private static Vector256<float> LoadBytes(byte* source) =>
        Vector256.ConvertToSingle(
            Vector256.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsByte()).ToVector256Unsafe())
            .AsInt32());
}
