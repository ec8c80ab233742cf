using Kvasir.Cache;
using Kvasir.Documents.Reading;

namespace Kvasir.Documents.Transfer;

/// <summary>How the KV of a store is converted.</summary>
public sealed record KvConversionOptions
{
    /// <summary>The policy it is kept under now; null for the only one that can be converted.</summary>
    public KvPolicy? From { get; init; }

    /// <summary>Removes the KV under the old policy when all of it has been converted and checked.</summary>
    public bool RemoveSource { get; init; }
}

/// <summary>How far a conversion is.</summary>
/// <param name="FilesDone">KV files done, those that were there already included.</param>
/// <param name="Files">KV files in all.</param>
public readonly record struct KvConversionProgress(int FilesDone, int Files);

/// <summary>What a conversion did.</summary>
public sealed record KvConversionReport
{
    /// <summary>The policy converted from.</summary>
    public required string From { get; init; }

    /// <summary>The policy converted to.</summary>
    public required string To { get; init; }

    /// <summary>KV files written: chunks, and the shared prefix.</summary>
    public required int Files { get; init; }

    /// <summary>KV files that were there already.</summary>
    public required int Skipped { get; init; }

    /// <summary>Tokens of the files written.</summary>
    public required long Tokens { get; init; }

    /// <summary>Bytes of the KV under the old policy, of files that are now there under the new one.</summary>
    public required long BytesBefore { get; init; }

    /// <summary>Bytes of the same files under the new policy.</summary>
    public required long BytesAfter { get; init; }

    /// <summary>Files that were not converted because they are damaged, each with what is wrong; they were set aside.</summary>
    public required IReadOnlyList<SkippedFile> Damaged { get; init; }

    /// <summary>Whether the KV under the old policy was removed.</summary>
    public required bool SourceRemoved { get; init; }

    /// <summary>Time taken.</summary>
    public required TimeSpan Elapsed { get; init; }
}
