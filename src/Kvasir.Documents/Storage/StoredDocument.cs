using System.Runtime.Intrinsics;
using Kvasir.Documents.Retrieval;

namespace Kvasir.Documents.Storage;

/// <summary>A document in the catalog. Immutable: a changed document is a new one with a new number.</summary>
internal sealed record StoredDocument
{
    public const uint RecordType = 1;

    /// <summary>Unique in its log.</summary>
    public required long Number { get; init; }

    /// <summary>Full path of its file.</summary>
    public required string File { get; init; }

    /// <summary>Its id within the file, or null where the file is the document.</summary>
    public required string? Id { get; init; }

    public required string Title { get; init; }

    /// <summary>SHA-256 of title and text.</summary>
    public required byte[] ContentHash { get; init; }

    /// <summary>The limit that its chunks were cut to.</summary>
    public required int ChunkTokens { get; init; }

    public required StoredChunk[] Chunks { get; init; }

    /// <summary>Where its payload stands in the log.</summary>
    public long PayloadOffset { get; init; }

    /// <inheritdoc cref="PayloadOffset"/>
    public int PayloadBytes { get; init; }

    /// <summary>Whether it is the document of an id within its file, of this content, cut to this limit.</summary>
    public bool Is(string? id, ReadOnlySpan<byte> contentHash, int chunkTokens) => Id == id && ChunkTokens == chunkTokens && contentHash.SequenceEqual(ContentHash);

    /// <summary>The payload, with the text of each chunk.</summary>
    public byte[] Write(IReadOnlyList<string> texts)
    {
        var payload = new PayloadWriter();
        payload.Add(Number);
        payload.Add(File);
        payload.Add(Id is null ? 0 : 1);
        payload.Add(Id ?? "");
        payload.Add(Title);
        payload.Add(ContentHash);
        payload.Add(ChunkTokens);
        payload.Add(Chunks.Length);
        for (int i = 0; i < Chunks.Length; i++)
        {
            payload.Add(Chunks[i].Start);
            payload.Add(Chunks[i].Length);
            payload.Add(Chunks[i].Tokens);
            payload.Add(Chunks[i].KvName);
            payload.Add(Chunks[i].Terms!.Length);
            payload.Add(Chunks[i].Terms!.Terms);
            payload.Add(Chunks[i].Terms!.Counts);
            payload.Add(texts[i]);
        }

        return payload.ToArray();
    }

    /// <exception cref="InvalidDataException">Not such a record.</exception>
    public static StoredDocument Read(ReadOnlySpan<byte> payload, long payloadOffset)
    {
        var reader = new PayloadReader(payload);
        long number = reader.ReadLong();
        string file = reader.ReadText();
        bool hasId = reader.ReadInt() != 0;
        string id = reader.ReadText();
        string title = reader.ReadText();
        byte[] hash = reader.ReadArray<byte>();
        int chunkTokens = reader.ReadInt();
        var chunks = new StoredChunk[reader.ReadCount(32)];
        for (int i = 0; i < chunks.Length; i++) chunks[i] = StoredChunk.Read(ref reader, payloadOffset);

        return new StoredDocument
        {
            Number = number,
            File = file,
            Id = hasId ? id : null,
            Title = title,
            ContentHash = hash,
            ChunkTokens = chunkTokens,
            Chunks = chunks,
            PayloadOffset = payloadOffset,
            PayloadBytes = payload.Length,
        };
    }
}

/// <summary>A chunk in the catalog; its text stays in the log.</summary>
internal sealed record StoredChunk
{
    private readonly Vector256<byte> _kvName;

    /// <summary>First character in the document's text.</summary>
    public required int Start { get; init; }

    /// <summary>Characters.</summary>
    public required int Length { get; init; }

    /// <summary>Tokens as it stands in the prompt, by the tokenizer it was cut with.</summary>
    public required int Tokens { get; init; }

    /// <summary>SHA-256 (hex) of its prompt text: the name of its KV. Equal chunks share one. Kept as its 32 bytes, a fifth of the text's size.</summary>
    public required string KvName
    {
        get
        {
            Span<byte> bytes = stackalloc byte[Vector256<byte>.Count];
            _kvName.CopyTo(bytes);
            return Convert.ToHexStringLower(bytes);
        }

        init => _kvName = Vector256.Create<byte>(Convert.FromHexString(value));
    }

    /// <summary>Its words while it is being added; afterwards they stay in the log.</summary>
    public TermCounts? Terms { get; init; }

    /// <summary>Where its distinct terms stand in the log; behind them the number of counts (4 bytes) and the counts.</summary>
    public long TermsOffset { get; init; }

    /// <summary>Distinct terms.</summary>
    public int TermCount { get; init; }

    /// <summary>Words, each counted as often as it occurs.</summary>
    public int Words { get; init; }

    /// <summary>Where its UTF-8 text stands in the log.</summary>
    public long TextOffset { get; init; }

    public int TextBytes { get; init; }

    internal static StoredChunk Read(ref PayloadReader reader, long payloadOffset)
    {
        int start = reader.ReadInt(), length = reader.ReadInt(), tokens = reader.ReadInt();
        string name = reader.ReadText();
        if (name.Length != 64 || !name.All(char.IsAsciiHexDigitLower)) throw new InvalidDataException();

        int words = reader.ReadInt();
        int terms = reader.ReadRun<uint>().Length;
        long termsOffset = payloadOffset + reader.Position - 4L * terms;
        int counts = reader.ReadRun<ushort>().Length;
        int textBytes = reader.ReadBytes().Length;
        return terms != counts || words < terms ? throw new InvalidDataException() : new StoredChunk
        {
            Start = start,
            Length = length,
            Tokens = tokens,
            KvName = name,
            TermsOffset = termsOffset,
            TermCount = terms,
            Words = words,
            TextOffset = payloadOffset + reader.Position - textBytes,
            TextBytes = textBytes,
        };
    }
}
