using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>
/// Quantised blocks of one kind that are multiplied together: of keys, all with the same left side, the results side by side; of values,
/// each with a left side of its own, the results added up. A block has panels of 32 columns one behind the other and then sets of scales:
/// one a panel, or two where groups have 16 columns.
/// </summary>
/// <param name="blocks">The blocks.</param>
/// <param name="count">How many.</param>
/// <param name="format">How they are quantised.</param>
internal readonly unsafe ref struct QuantizedRun(byte** blocks, int count, QuantizedFormat format)
{
    public int Count => count;

    public QuantizedFormat Format => format;

    /// <summary>Rows of the left side [rows, inner] with a stride.</summary>
    public float* Left { get; init; }

    public int LeftStride { get; init; }

    /// <summary>Floats from one block's left side to the next one's; 0 where all have the same.</summary>
    public int LeftStep { get; init; }

    /// <summary>Result [rows, 32 panels] with a stride.</summary>
    public float* Result { get; init; }

    public int ResultStride { get; init; }

    /// <summary>Floats from one block's result to the next one's; 0 where all are added to the same.</summary>
    public int ResultStep { get; init; }

    public int Rows { get; init; }

    public int Inner { get; init; }

    /// <summary>The first panel that is wanted.</summary>
    public int FirstPanel { get; init; }

    /// <summary>How many panels are wanted.</summary>
    public int Panels { get; init; }

    /// <summary>How many there are before the scales.</summary>
    public int AllPanels { get; init; }

    /// <summary>For every block what will be read later and should be fetched meanwhile: addresses that need not be valid.</summary>
    public byte** Next { get; init; }

    /// <summary>Bytes at each of them.</summary>
    public int NextBytes { get; init; }

    public bool Accumulates => ResultStep == 0;

    /// <summary>Sets of scales of a panel: the first is of columns 0..15, the last of 16..31.</summary>
    public int Parts => format.Group == QuantizedPanel.Columns ? 1 : 2;

    public int PanelBytes => QuantizedPanel.Bytes(Inner, format.Bits);

    public int SetBytes => GroupScales.Bytes(Inner, format.ScaleBits);

    /// <summary>Bytes from a block's start to its first wanted panel.</summary>
    public int PanelOffset => FirstPanel * PanelBytes;

    /// <summary>Bytes from a block's start to the first set of scales of that panel; others follow.</summary>
    public int SetOffset => AllPanels * PanelBytes + FirstPanel * Parts * SetBytes;

    public byte* Block(int block) => blocks[block];

    /// <summary>The same for rows from <paramref name="row"/> on.</summary>
    public QuantizedRun From(int row) => new(blocks, count, format)
    {
        Left = Left + row * LeftStride,
        LeftStride = LeftStride,
        LeftStep = LeftStep,
        Result = Result + row * ResultStride,
        ResultStride = ResultStride,
        ResultStep = ResultStep,
        Rows = Rows - row,
        Inner = Inner,
        FirstPanel = FirstPanel,
        Panels = Panels,
        AllPanels = AllPanels,
        Next = Next,
        NextBytes = NextBytes,
    };
}
