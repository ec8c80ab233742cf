using System.Buffers.Binary;
using System.Text.Json;

namespace Kvasir.Cli;

/// <summary>What the header of a saved cache tells without the model it belongs to.</summary>
internal sealed record KvFileSummary(int Version, string Model, string Tokenizer, string Policy, int FirstPosition, int Tokens, int Layers)
{
    private const int FixedLength = 48;
    private const int LongestHeader = 64 << 20;

    public static bool IsKvFile(ReadOnlySpan<byte> start) => start.StartsWith("KVASIRKV"u8);

    /// <exception cref="InvalidInputException">The header is damaged.</exception>
    public static KvFileSummary Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        try
        {
            Span<byte> start = stackalloc byte[FixedLength];
            file.ReadExactly(start);
            int length = BinaryPrimitives.ReadInt32LittleEndian(start[12..]);
            if (length is <= 0 or > LongestHeader || length > file.Length - FixedLength) throw new InvalidInputException($"{path}: damaged KV file (header of {length} bytes)");
            byte[] json = new byte[length];
            file.ReadExactly(json);
            using JsonDocument header = JsonDocument.Parse(json);
            JsonElement root = header.RootElement;
            return new KvFileSummary(
                BinaryPrimitives.ReadInt32LittleEndian(start[8..]),
                root.GetProperty("model").GetString()!,
                root.GetProperty("tokenizer").GetString()!,
                root.GetProperty("policy").GetString()!,
                root.GetProperty("firstPosition").GetInt32(),
                root.GetProperty("ids").GetBytesFromBase64().Length / sizeof(int),
                root.GetProperty("layers").GetArrayLength());
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or EndOfStreamException)
        {
            throw new InvalidInputException($"{path}: damaged KV file ({problem.Message})", problem);
        }
    }
}
