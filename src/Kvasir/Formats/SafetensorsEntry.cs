namespace Kvasir.Formats;

/// <summary>One tensor of a <see cref="SafetensorsFile"/>; its range was checked against the file.</summary>
/// <param name="Name">The name in the file.</param>
/// <param name="Type">The element type as the file names it (<c>F32</c>, <c>BF16</c>, <c>U8</c> …).</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Offset">First byte, counted from the start of the file.</param>
/// <param name="ByteLength">Length in bytes.</param>
public sealed record SafetensorsEntry(string Name, string Type, IReadOnlyList<long> Shape, long Offset, long ByteLength);
