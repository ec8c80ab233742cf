using System.Runtime.Intrinsics.X86;
using Kvasir.Formats;
using Kvasir.Memory;

namespace Kvasir.Numerics;

/// <summary>A quantised tensor in panels (<see cref="PackedFormat"/>), multiplied with int8 activations by one kernel.</summary>
internal sealed unsafe class PackedMatrix<TKernel> : WeightMatrix where TKernel : IPanelKernel
{
    private const int PanelRows = PackedFormat.PanelRows, CacheLine = 64;

    private readonly NativeBuffer _buffer;
    private readonly byte* _panels;
    private readonly PackedFormat _format;
    private readonly int _blocks, _maxTokens;
    private readonly long _panelBytes;

    public PackedMatrix(Tensor tensor)
    {
        _format = PackedFormat.For(tensor.Type);
        _maxTokens = TKernel.MaxTokens(_format);
        Rows = tensor.Rows;
        Columns = tensor.Columns;
        _blocks = Columns / PackedFormat.BlockColumns;
        _panelBytes = (long)_blocks * _format.BlockBytes;
        _buffer = new NativeBuffer((Rows + PanelRows - 1) / PanelRows * _panelBytes, hugePages: true);
        _panels = _buffer.Pointer;
        _format = PanelPacker.Pack(tensor, _panels);
    }

    public override int Rows { get; }

    public override int Columns { get; }

    public override long Bytes => _buffer.Length;

    public override int RowGranularity => PanelRows;

    public override bool ReadsInt8 => true;

    public override void Multiply(Activations x, int firstToken, int tokens, int firstRow, int endRow, float* output, long stride, float* bias, bool accumulate)
    {
        CheckRange(x, firstToken, tokens, firstRow, endRow);
        for (int token = 0; token < tokens;)
        {
            int count = Math.Min(tokens - token, TokensPerPass(x.BlockStride));
            MultiplyPass(x.BlockRow(firstToken + token), x.BlockStride, count, firstRow, endRow, output + token * stride, stride, bias, accumulate);
            token += count;
        }
    }

    public override void ReadRow(int row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        if (destination.Length < Columns) throw new ArgumentException($"Room for {destination.Length} of {Columns} columns", nameof(destination));
        byte* block = _panels + row / PanelRows * _panelBytes;
        int inPanel = row % PanelRows;
        for (int column = 0; column < Columns; block += _format.BlockBytes)
        {
            for (int group = 0; group < _format.GroupsPerBlock; group++)
            {
                float scale = ScalarKernel.Scale(_format, block, inPanel, group);
                float minimum = _format.HasMinimum ? ScalarKernel.Minimum(_format, block, inPanel, group) : 0;
                for (int inBlock = group * _format.Group; inBlock < (group + 1) * _format.Group; inBlock++)
                    destination[column++] = scale * (ScalarKernel.Code(_format, block, inPanel, inBlock) - _format.ZeroPoint) + minimum;
            }
        }
    }

    public override void Dispose() => _buffer.Dispose();

    /// <summary>As many tokens as the second-level cache holds while the panels go by, in whole tiles.</summary>
    private int TokensPerPass(nint tokenBytes)
    {
        const int CacheBytes = 200 * 1024;
        return Math.Max((int)(CacheBytes / tokenBytes) / _maxTokens, 1) * _maxTokens;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyPass(ActivationBlock* x, nint xStride, int tokens, int firstRow, int endRow, float* output, long stride, float* bias, bool accumulate)
    {
        float* result = stackalloc float[PanelRows * _maxTokens];
        for (int row = firstRow; row < endRow; row += PanelRows)
        {
            byte* panel = _panels + row / PanelRows * _panelBytes;
            int rows = Math.Min(endRow - row, PanelRows);
            for (int token = 0; token < tokens; token += _maxTokens)
            {
                int count = Math.Min(tokens - token, _maxTokens);
                // One token streams panels as fast as memory gives them; with more the hardware sees too little of the stream.
                if (tokens > 1) FetchNext(panel + _panelBytes, token, count, tokens);
                TKernel.Multiply(_format, panel, _blocks, (ActivationBlock*)((byte*)x + token * xStride), xStride, count, result);
                for (int t = 0; t < count; t++)
                    PanelResult.Store(result + t * PanelRows, rows, output + (token + t) * stride + row, bias == null ? null : bias + row, accumulate);
            }
        }
    }

    /// <summary>
    /// Asks for the share of a panel of <paramref name="count"/> of <paramref name="tokens"/> tokens; behind the last any address will do.
    /// </summary>
    private void FetchNext(byte* panel, int token, int count, int tokens)
    {
        if (!Sse.IsSupported) return;
        byte* end = panel + _panelBytes * (token + count) / tokens;
        for (byte* line = panel + _panelBytes * token / tokens / CacheLine * CacheLine; line < end; line += CacheLine) Sse.Prefetch1(line);
    }
}
