using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>What the header of a saved cache tells without the model it belongs to.</summary>
/// <param name="Version">Version of the file format.</param>
/// <param name="Model">Identity of the model, SHA-256 as hex.</param>
/// <param name="Tokenizer">Identity of its tokenizer, SHA-256 as hex.</param>
/// <param name="Policy">The policy it was made with.</param>
/// <param name="FirstPosition">Position of its first token when it was computed.</param>
/// <param name="Tokens">Number of tokens.</param>
/// <param name="Layers">Number of layers.</param>
public sealed record KvFileSummary(int Version, string Model, string Tokenizer, string Policy, int FirstPosition, int Tokens, int Layers)
{
    /// <summary>Whether a file that begins with these bytes claims to be a saved cache.</summary>
    public static bool IsKvFile(ReadOnlySpan<byte> start) => start.StartsWith(KvFileHeader.Magic);

    /// <summary>Reads the header alone.</summary>
    /// <exception cref="InvalidInputException">Not a saved cache, of another version, or damaged.</exception>
    public static KvFileSummary Read(string path)
    {
        using MappedFile file = MappedFile.Open(path);
        KvFileHeader header = KvFileHeader.Read(file, out _);
        return new KvFileSummary(KvFileHeader.Version, header.Model, header.Tokenizer, header.Policy, header.FirstPosition, header.Ids.Length / sizeof(int), header.Layers.Count);
    }
}
