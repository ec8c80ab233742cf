namespace Kvasir.Training.Operations;

/// <summary>Sizes of a product: x [rows, inputs], w [outputs, inputs], y [rows, outputs]; x and y may be parts of wider rows.</summary>
internal readonly record struct ProductSize(int Rows, int Inputs, int Outputs)
{
    /// <summary>Floats between two rows of x.</summary>
    public int InputStride { get; init; } = Inputs;

    /// <summary>Floats between two rows of y.</summary>
    public int OutputStride { get; init; } = Outputs;

    public void Check(int x, int w, int y)
    {
        if (Rows == 0) return;
        long gaps = Rows - 1;
        bool fits = x >= gaps * InputStride + Inputs && w >= (long)Inputs * Outputs && y >= gaps * OutputStride + Outputs;
        if (!fits) throw new ArgumentException($"x, w and y of {x}, {w} and {y} floats are too short for {this}");
    }
}

/// <summary>
/// The linear layer y = x Wᵀ and its gradients dx = dy W, dW = dyᵀ x. The side that is read again and again is copied into panels of 32
/// columns and <see cref="Depth"/> rows, which stay in the nearest cache while all rows of the other side pass (Goto and van de Geijn
/// 2008); six rows times two vectors are summed in registers.
/// </summary>
internal static unsafe class Products
{
    private const int Panel = 32, Depth = 256, Block = 96;

    /// <summary>Floats between rows of a transposed block: not a power of two, whose rows would fall on the same few cache sets.</summary>
    private const int BlockStride = Depth + 16;

    /// <summary>y[t, n] = Σk x[t, k] w[n, k].</summary>
    public static void Forward(Worker worker, ProductSize size, ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<float> y)
    {
        size.Check(x.Length, w.Length, y.Length);
        float* panel = worker.Scratch(Panel * Depth);
        fixed (float* input = x, weight = w, output = y)
        {
            foreach (int task in worker.Tasks(Count(size.Outputs, Panel)))
            {
                int first = task * Panel, columns = Math.Min(Panel, size.Outputs - first);
                for (int k = 0; k < size.Inputs; k += Depth)
                {
                    int depth = Math.Min(Depth, size.Inputs - k);
                    Transpose(weight + (long)first * size.Inputs + k, size.Inputs, columns, depth, panel, columns);
                    worker.Kernels.Multiply(new(input + k, size.InputStride), panel, size.Rows, depth, columns,
                        new(output + first, size.OutputStride), k > 0);
                }
            }
        }
    }

    /// <summary>dx[t, k] (=, or += with <paramref name="accumulate"/>) Σn dy[t, n] w[n, k].</summary>
    public static void BackwardInput(
        Worker worker, ProductSize size, ReadOnlySpan<float> dy, ReadOnlySpan<float> w, Span<float> dx, bool accumulate = false)
    {
        size.Check(dx.Length, w.Length, dy.Length);
        float* panel = worker.Scratch(Panel * Depth);
        fixed (float* gradient = dy, weight = w, output = dx)
        {
            foreach (int task in worker.Tasks(Count(size.Inputs, Panel)))
            {
                int first = task * Panel, columns = Math.Min(Panel, size.Inputs - first);
                for (int n = 0; n < size.Outputs; n += Depth)
                {
                    int depth = Math.Min(Depth, size.Outputs - n);
                    Copy(weight + (long)n * size.Inputs + first, size.Inputs, depth, columns, panel);
                    worker.Kernels.Multiply(new(gradient + n, size.OutputStride), panel, size.Rows, depth, columns,
                        new(output + first, size.InputStride), accumulate || n > 0);
                }
            }
        }
    }

    /// <summary>dw[n, k] += Σt dy[t, n] x[t, k].</summary>
    public static void BackwardWeight(Worker worker, ProductSize size, ReadOnlySpan<float> dy, ReadOnlySpan<float> x, Span<float> dw)
    {
        size.Check(x.Length, dw.Length, dy.Length);
        float* panel = worker.Scratch(Panel * Depth + Block * BlockStride), transposed = panel + Panel * Depth;
        fixed (float* gradient = dy, input = x, output = dw)
        {
            foreach (int task in worker.Tasks(Count(size.Outputs, Block)))
            {
                int first = task * Block, rows = Math.Min(Block, size.Outputs - first);
                for (int t = 0; t < size.Rows; t += Depth)
                {
                    int depth = Math.Min(Depth, size.Rows - t);
                    Transpose(gradient + (long)t * size.OutputStride + first, size.OutputStride, depth, rows, transposed, BlockStride);
                    for (int k = 0; k < size.Inputs; k += Panel)
                    {
                        int columns = Math.Min(Panel, size.Inputs - k);
                        Copy(input + (long)t * size.InputStride + k, size.InputStride, depth, columns, panel);
                        worker.Kernels.Multiply(new(transposed, BlockStride), panel, rows, depth, columns,
                            new(output + (long)first * size.Inputs + k, size.Inputs), accumulate: true);
                    }
                }
            }
        }
    }

    /// <summary>Rows of a wider matrix, without gaps.</summary>
    public static void Copy(float* source, int stride, int rows, int columns, float* target)
    {
        for (int row = 0; row < rows; row++, source += stride, target += columns)
            new ReadOnlySpan<float>(source, columns).CopyTo(new Span<float>(target, columns));
    }

    /// <summary>target [columns, rows] = source [rows, columns], parts of wider matrices, transposed, four rows at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, int stride, int rows, int columns, float* target, int targetStride)
    {
        int row = 0;
        for (; row <= rows - 4; row += 4, source += 4 * stride, target += 4)
        {
            float* s1 = source + stride, s2 = s1 + stride, s3 = s2 + stride, to = target;
            for (int column = 0; column < columns; column++, to += targetStride)
                (to[0], to[1], to[2], to[3]) = (source[column], s1[column], s2[column], s3[column]);
        }
        for (; row < rows; row++, source += stride, target++)
            for (int column = 0; column < columns; column++) target[column * targetStride] = source[column];
    }

    private static int Count(int length, int part) => (length + part - 1) / part;
}
