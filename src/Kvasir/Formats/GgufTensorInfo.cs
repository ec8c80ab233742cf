using Kvasir.Quantization;

namespace Kvasir.Formats;

/// <summary>One entry of GGUF's tensor list; offsets count from the start of the data. Sizes fit <see cref="Tensor"/>'s integers.</summary>
internal sealed record GgufTensorInfo(string Name, TensorType Type, long[] Shape, long Offset, long ByteLength)
{
    /// <summary>The names of types that GGUF knows and Kvasir does not read.</summary>
    private static readonly Dictionary<uint, string> s_unread = new()
    {
        [9] = "Q8_1",
        [15] = "Q8_K",
        [16] = "IQ2_XXS",
        [17] = "IQ2_XS",
        [18] = "IQ3_XXS",
        [19] = "IQ1_S",
        [21] = "IQ3_S",
        [22] = "IQ2_S",
        [24] = "I8",
        [25] = "I16",
        [26] = "I32",
        [27] = "I64",
        [28] = "F64",
        [29] = "IQ1_M",
        [34] = "TQ1_0",
        [35] = "TQ2_0",
        [39] = "MXFP4",
    };

    /// <summary>Reads and checks one entry; only the end of the file is left to be checked.</summary>
    public static GgufTensorInfo Read(GgufCursor cursor, long alignment)
    {
        string name = cursor.ReadString();
        if (name.Length == 0) throw cursor.Invalid("a tensor name is empty (damaged file?)");
        uint dimensions = cursor.Read<uint>();
        if (dimensions is 0 or > GgufHeader.MaxDimensions)
            throw cursor.Invalid(
                $"tensor '{name}' has {dimensions} dimensions (1 to {GgufHeader.MaxDimensions} are possible; damaged file?)");
        var shape = new long[dimensions];
        for (int i = shape.Length - 1; i >= 0; i--) shape[i] = ReadSize(cursor, name);
        var type = (TensorType)cursor.Read<uint>();
        if (!GgmlBlocks.IsKnown(type))
            throw cursor.Invalid(
                $"tensor '{name}' has type {s_unread.GetValueOrDefault((uint)type, $"{(uint)type} (unknown)")}, which is not supported");
        ulong offset = cursor.Read<ulong>();
        if (offset > long.MaxValue || offset % (ulong)alignment != 0)
            throw cursor.Invalid($"the offset {offset} of tensor '{name}' is not a multiple of the alignment {alignment} (damaged file?)");
        return new GgufTensorInfo(name, type, shape, (long)offset, CheckedLength(cursor, name, type, shape));
    }

    private static long ReadSize(GgufCursor cursor, string name)
    {
        ulong size = cursor.Read<ulong>();
        return size is > 0 and <= int.MaxValue
            ? (long)size : throw cursor.Invalid($"tensor '{name}' has a dimension of {size} (damaged file?)");
    }

    private static long CheckedLength(GgufCursor cursor, string name, TensorType type, long[] shape)
    {
        long rows = 1;
        foreach (long size in shape.AsSpan(0, shape.Length - 1))
        {
            rows *= size; // both factors stay below 2^31
            if (rows > int.MaxValue) throw cursor.Invalid($"tensor '{name}' has more than {int.MaxValue} rows (damaged file?)");
        }
        int block = GgmlBlocks.BlockLength(type);
        if (shape[^1] % block != 0)
            throw cursor.Invalid($"tensor '{name}' has rows of {shape[^1]} elements, which are not whole {type} blocks of {block}");
        long rowBytes = GgmlBlocks.ByteLength(type, shape[^1]);
        if (rowBytes > int.MaxValue) throw cursor.Invalid($"tensor '{name}' has rows of {rowBytes} bytes (damaged file?)");
        return rows * rowBytes; // both factors stay below 2^31
    }
}
