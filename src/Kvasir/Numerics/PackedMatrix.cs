using System.Runtime.Intrinsics.X86;
using Kvasir.Formats;
using Kvasir.Memory;

namespace Kvasir.Numerics;

/// <summary>A quantised tensor in panels (<see cref="PackedFormat"/>), multiplied with int8 activations by one kernel.</summary>
internal sealed unsafe class PackedMatrix<TKernel> : WeightMatrix where TKernel : IPanelKernel
{
    private const int CacheLine = 64, PassBytes = 200 * 1024;

    private readonly PackedFormat _format;
    private readonly int _maxTokens;

    public PackedMatrix(Tensor tensor, int threads, NativeArena? arena) : this(tensor, PackedFormat.For(tensor.Type), threads, arena)
    {
    }

    private PackedMatrix(Tensor tensor, PackedFormat format, int threads, NativeArena? arena)
        : base(tensor, (long)tensor.Columns / PackedFormat.BlockColumns * format.BlockBytes, TKernel.MaxTokens(format), PassBytes, arena)
    {
        _maxTokens = TKernel.MaxTokens(format);
        _format = PanelPacker.Pack(tensor, Panel(0), threads);
    }

    public override bool ReadsInt8 => true;

    protected override nint TokenBytes(Activations x) => x.BlockStride;

    protected override void Unpack(byte* panel, int row, Span<float> destination)
    {
        for (int column = 0; column < Columns; panel += _format.BlockBytes)
        {
            for (int group = 0; group < _format.GroupsPerBlock; group++)
            {
                float scale = ScalarKernel.Scale(_format, panel, row, group);
                float minimum = _format.HasMinimum ? ScalarKernel.Minimum(_format, panel, row, group) : 0;
                for (int inBlock = group * _format.Group; inBlock < (group + 1) * _format.Group; inBlock++)
                    destination[column++] = scale * (ScalarKernel.Code(_format, panel, row, inBlock) - _format.ZeroPoint) + minimum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void MultiplyPass(
        Activations x, int firstToken, int tokens, int firstRow, int endRow, FloatRows output, float* bias, bool accumulate)
    {
        int blocks = Columns / PackedFormat.BlockColumns;
        nint xStride = x.BlockStride;
        byte* first = (byte*)x.BlockRow(firstToken);
        float* result = stackalloc float[PanelRows * _maxTokens];
        for (int row = firstRow; row < endRow; row += PanelRows)
        {
            byte* panel = Panel(row), next = Panel(row + PanelRows);
            int rows = Math.Min(endRow - row, PanelRows);
            for (int token = 0; token < tokens; token += _maxTokens)
            {
                int count = Math.Min(tokens - token, _maxTokens);
                // One token streams the panels as fast as memory gives them; with more of them the hardware sees too little of the stream
                // to keep ahead.
                if (tokens > 1) FetchNext(next, (nint)(next - panel), token, count, tokens);
                TKernel.Multiply(_format, panel, blocks, (ActivationBlock*)(first + token * xStride), xStride, count, result);
                for (int t = 0; t < count; t++)
                    PanelResult.Store(
                        result + t * PanelRows, rows, output.Row(token + t) + row, bias == null ? null : bias + row, accumulate);
            }
        }
    }

    /// <summary>
    /// Asks for the share of a panel that falls to <paramref name="count"/> of <paramref name="tokens"/> tokens; behind the last one
    /// nothing valid need lie.
    /// </summary>
    private static void FetchNext(byte* panel, nint bytes, int token, int count, int tokens)
    {
        if (!Sse.IsSupported) return;
        byte* end = panel + bytes * (token + count) / tokens;
        for (byte* line = panel + bytes * token / tokens / CacheLine * CacheLine; line < end; line += CacheLine) Sse.Prefetch1(line);
    }
}
