namespace Kvasir.Numerics;

/// <summary>The oracle: per group of columns an exact integer dot product, then one scale and one minimum.</summary>
internal readonly unsafe struct ScalarKernel : IPanelKernel
{
    public static int MaxTokens(in PackedFormat format) => 1;

    public static void Multiply(in PackedFormat format, byte* panel, int blocks, ActivationBlock* x, nint stride, int tokens, float* result)
    {
        for (int row = 0; row < PackedFormat.PanelRows; row++)
        {
            float sum = 0;
            for (int block = 0; block < blocks; block++)
                sum += Dot(format, panel + (long)block * format.BlockBytes, row, x + block);
            result[row] = sum;
        }
    }

    private static float Dot(in PackedFormat format, byte* block, int row, ActivationBlock* x)
    {
        float sum = 0;
        for (int group = 0; group < format.GroupsPerBlock; group++)
        {
            int dot = 0, codes = 0;
            for (int column = group * format.Group; column < (group + 1) * format.Group; column++)
            {
                dot += (Code(format, block, row, column) - format.ZeroPoint) * x->Codes[column];
                codes += x->Codes[column];
            }
            sum += Scale(format, block, row, group) * (x->Scale * dot);
            if (format.HasMinimum) sum += Minimum(format, block, row, group) * (x->Scale * codes);
        }
        return sum;
    }

    /// <summary>Four columns of 32 rows lie together; with 4 bits two such quads share their bytes.</summary>
    public static int Code(in PackedFormat format, byte* block, int row, int column)
    {
        int quad = column / 4, inQuad = row * 4 + column % 4;
        return format.Bits == 8 ? block[quad * 128 + inQuad] : block[quad / 2 * 128 + inQuad] >> (quad % 2 * 4) & 15;
    }

    public static float Scale(in PackedFormat format, byte* block, int row, int group) =>
        Stored(format, (ushort*)(block + format.CodeBytes) + group * PackedFormat.PanelRows + row);

    public static float Minimum(in PackedFormat format, byte* block, int row, int group) =>
        Stored(format, (ushort*)(block + format.CodeBytes + format.ScaleBytes) + group * PackedFormat.PanelRows + row);

    private static float Stored(in PackedFormat format, ushort* half) => MathF.ScaleB((float)*(Half*)half, -format.ScaleShift);
}
