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
/// <param name="Segments">Its runs of blocks, each with its codecs.</param>
public sealed record KvFileSummary(
    int Version, string Model, string Tokenizer, string Policy, int FirstPosition, int Tokens, int Layers,
    IReadOnlyList<KvSegmentSummary> Segments)
{
    private const int MostHeads = 1 << 20;

    /// <summary>Whether a file that begins with these bytes claims to be a saved cache.</summary>
    public static bool IsKvFile(ReadOnlySpan<byte> start) => start.StartsWith(KvFileHeader.Magic);

    /// <summary>Reads the header alone.</summary>
    /// <exception cref="InvalidInputException">Not a saved cache, of another version, or damaged.</exception>
    public static KvFileSummary Read(string path)
    {
        using MappedFile file = MappedFile.Open(path, scattered: true);
        KvFileHeader header = KvFileHeader.Read(file, out _);
        KvFileHeader.Description kept = header.Kept;
        int heads = header.Layers.Sum(layer => layer.KvHeads);
        if (heads is < 1 or > MostHeads || !kept.FitsHeads(heads))
            throw new InvalidInputException($"{path}: damaged KV file (its heads do not fit its tables)");
        KvSegmentSummary[] segments =
            [.. Enumerable.Range(0, heads).SelectMany(kept.TableOf)
                .GroupBy(segment => (segment.FirstPosition, segment.Offset, segment.Tokens)).OrderBy(run => run.Key).Select(run =>
            new KvSegmentSummary(run.Key.FirstPosition, run.Key.Offset, run.Key.Tokens, run.Count(),
                Codecs([.. run.Select(segment => segment.Keys)]), Codecs([.. run.Select(segment => segment.Values)])))];
        return new KvFileSummary(
            KvFileHeader.Version, kept.Model, kept.Tokenizer, kept.Policy, kept.FirstPosition, header.Ids.Length, header.Layers.Length,
            segments);
    }

    /// <summary>One name, or each with the number of heads that have it, the most frequent first.</summary>
    private static string Codecs(IReadOnlyList<string> names) => names.All(name => name == names[0])
        ? names[0]
        : string.Join(", ", names.GroupBy(name => name, StringComparer.Ordinal).OrderByDescending(heads => heads.Count())
            .ThenBy(heads => heads.Key, StringComparer.Ordinal)
            .Select(heads => string.Create(CultureInfo.InvariantCulture, $"{heads.Count()} x {heads.Key}")));
}

/// <summary>A run of blocks of a saved cache that so many of its heads have, over all layers.</summary>
/// <param name="FirstPosition">Position of its first token.</param>
/// <param name="Offset">How far it stands from where its keys were rotated for.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Heads">How many heads.</param>
/// <param name="Keys">Codec of the keys; where heads differ, each with the number of heads (<c>60 x kivi2/32/8, 30 x
/// kivi4/32/8</c>).</param>
/// <param name="Values">Codec of the values, likewise.</param>
public sealed record KvSegmentSummary(int FirstPosition, int Offset, int Tokens, int Heads, string Keys, string Values);
