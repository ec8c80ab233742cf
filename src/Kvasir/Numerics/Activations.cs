using System.Runtime.Intrinsics;
using Kvasir.Memory;

namespace Kvasir.Numerics;

/// <summary>
/// The left side of matrix products, [tokens, columns]: the floats, and beside them the form that the weights'
/// kernels read (int8 per 32 columns with scale and sums), made by <see cref="Quantize"/>.
/// </summary>
internal sealed unsafe class Activations : IDisposable
{
    private readonly NativeBuffer _floats, _blocks;
    private readonly float* _floatRows;
    private readonly byte* _blockRows;
    private readonly long _floatStride;

    public Activations(int tokens, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        Tokens = tokens;
        Columns = columns;
        Blocks = (columns + ActivationBlock.Columns - 1) / ActivationBlock.Columns;
        _floatStride = (long)Blocks * ActivationBlock.Columns;
        _floats = new NativeBuffer(tokens * _floatStride * sizeof(float));
        _blocks = new NativeBuffer((long)tokens * Blocks * sizeof(ActivationBlock));
        _floatRows = (float*)_floats.Pointer;
        _blockRows = _blocks.Pointer;
    }

    public int Tokens { get; }

    public int Columns { get; }

    /// <summary>Blocks of 32 columns in a row.</summary>
    public int Blocks { get; }

    /// <summary>Bytes between the blocks of two tokens.</summary>
    public nint BlockStride => (nint)Blocks * sizeof(ActivationBlock);

    /// <summary>Floats between two tokens.</summary>
    public nint FloatStride => (nint)_floatStride;

    /// <summary>The floats of one token, 64-byte aligned.</summary>
    public float* Row(int token)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)Tokens, nameof(token));
        return _floatRows + token * _floatStride;
    }

    /// <summary>The int8 blocks of one token.</summary>
    public ActivationBlock* BlockRow(int token)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)Tokens, nameof(token));
        return (ActivationBlock*)(_blockRows + token * BlockStride);
    }

    /// <summary>
    /// Makes the int8 form of columns (multiples of 32, or the end) of tokens; threads may make different ranges at once.
    /// </summary>
    public void Quantize(int firstToken, int endToken, int firstColumn, int endColumn)
    {
        if (firstToken < 0 || endToken > Tokens || firstToken > endToken)
            throw new ArgumentOutOfRangeException(nameof(firstToken), $"tokens {firstToken}..{endToken} of {Tokens}");
        if (firstColumn < 0 || endColumn > Columns || firstColumn > endColumn || firstColumn % ActivationBlock.Columns != 0
            || (endColumn % ActivationBlock.Columns != 0 && endColumn != Columns))
            throw new ArgumentOutOfRangeException(nameof(firstColumn), $"columns {firstColumn}..{endColumn} of {Columns}");
        int firstBlock = firstColumn / ActivationBlock.Columns,
            endBlock = (endColumn + ActivationBlock.Columns - 1) / ActivationBlock.Columns;
        for (int token = firstToken; token < endToken; token++)
            QuantizeBlocks(Row(token), BlockRow(token), firstBlock, endBlock);
    }

    public void Dispose()
    {
        _floats.Dispose();
        _blocks.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void QuantizeBlocks(float* row, ActivationBlock* blocks, int first, int end)
    {
        for (int block = first; block < end; block++)
        {
            float* x = row + block * ActivationBlock.Columns;
            Vector256<float> x0 = Vector256.LoadAligned(x), x1 = Vector256.LoadAligned(x + 8), x2 = Vector256.LoadAligned(x + 16),
                x3 = Vector256.LoadAligned(x + 24);
            float largest =
                Largest(Vector256.Max(Vector256.Max(Vector256.Abs(x0), Vector256.Abs(x1)),
                    Vector256.Max(Vector256.Abs(x2), Vector256.Abs(x3))));
            float scale = largest / 127;
            // Below the smallest normal scale the quotient could overflow; such a block is zero for all purposes.
            var inverse = Vector256.Create(scale > 1e-35f ? 127 / largest : 0);
            Vector256<int> q0 = Round(x0 * inverse), q1 = Round(x1 * inverse), q2 = Round(x2 * inverse), q3 = Round(x3 * inverse);
            int low = Vector256.Sum(q0 + q1), high = Vector256.Sum(q2 + q3);

            ActivationBlock* target = blocks + block;
            Vector256.Narrow(Vector256.Narrow(q0, q1), Vector256.Narrow(q2, q3)).Store(target->Codes);
            target->Scale = scale;
            target->ScaledSum = scale * (low + high);
            target->Sum = low + high;
            target->ScaledHalfSums[0] = scale * low;
            target->ScaledHalfSums[1] = scale * high;
            target->HalfSums[0] = low;
            target->HalfSums[1] = high;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Round(Vector256<float> x) => Vector256.ConvertToInt32(Vector256.Round(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector256<float> x)
    {
        var four = Vector128.Max(x.GetLower(), x.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }
}
