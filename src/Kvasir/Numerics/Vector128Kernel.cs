using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>
/// Portable vectors: 4 rows at a time, one token. A product of a code and an activation fits int16 (255 * 127), so even and odd
/// columns are multiplied apart and widened to int32.
/// </summary>
internal readonly unsafe struct Vector128Kernel : IPanelKernel
{
    public static int MaxTokens(in PackedFormat format) => 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        int codeBytes = format.CodeBytes, scaleBytes = format.ScaleBytes, blockBytes = format.BlockBytes, group = format.Group, bits = format.Bits;
        for (int row = 0; row < PackedFormat.PanelRows; row += 4)
        {
            var sum = Vector128<float>.Zero;
            byte* block = panel;
            for (int b = 0; b < blocks; b++, block += blockBytes)
            {
                for (int g = 0; g < format.GroupsPerBlock; g++)
                {
                    int codeSum = group == 32 ? x[b].Sum : x[b].HalfSums[g];
                    var dot = Dot(block + row * 4 + g * (codeBytes / 2), bits, x[b].Codes + g * 16, group) - Vector128.Create(format.ZeroPoint * codeSum);
                    short* scales = (short*)(block + codeBytes) + g * PackedFormat.PanelRows + row;
                    sum += Vector128.ConvertToSingle(dot) * Vector128.Create(x[b].Scale) * HalfVectors.Widen(Vector64.Load(scales));
                    if (format.HasMinimum) sum += HalfVectors.Widen(Vector64.Load(scales + scaleBytes / sizeof(short))) * Vector128.Create(x[b].Scale * codeSum);
                }
            }
            sum.Store(result + row);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Dot(byte* codes, int bits, sbyte* x, int columns)
    {
        var sum = Vector128<int>.Zero;
        for (int column = 0; column < columns; column += 8)
        {
            var low = Vector128.Load(codes);
            Vector128<byte> high;
            if (bits == 4)
            {
                high = low >> 4;
                low &= Vector128.Create((byte)15);
                codes += 128;
            }
            else
            {
                high = Vector128.Load(codes + 128);
                codes += 256;
            }
            sum = Add(Add(sum, low, *(int*)(x + column)), high, *(int*)(x + column + 4));
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Add(Vector128<int> sum, Vector128<byte> codes, int quad)
    {
        var x = Vector128.Create(quad).AsInt16();
        var even = ((codes.AsInt16() & Vector128.Create((short)255)) * ((x << 8) >> 8)).AsInt32();
        var odd = ((codes.AsUInt16() >> 8).AsInt16() * (x >> 8)).AsInt32();
        return sum + ((even << 16) >> 16) + (even >> 16) + ((odd << 16) >> 16) + (odd >> 16);
    }
}
