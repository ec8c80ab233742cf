using System.Runtime.Intrinsics;

namespace Kvasir.Numerics;

/// <summary>The end of every panel product: bias, sum with what is there, and rows that a short last panel does not have.</summary>
internal static unsafe class PanelResult
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(float* result, int rows, float* output, float* bias, bool accumulate)
    {
        int row = 0;
        for (; row <= rows - 8; row += 8)
        {
            var value = Vector256.Load(result + row);
            if (bias != null) value += Vector256.Load(bias + row);
            if (accumulate) value += Vector256.Load(output + row);
            value.Store(output + row);
        }
        for (; row < rows; row++)
            output[row] = result[row] + (bias == null ? 0 : bias[row]) + (accumulate ? output[row] : 0);
    }
}
