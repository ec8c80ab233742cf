using System.Buffers;

namespace Kvasir.Tokenization;

/// <summary>Byte-pair encoding of single pieces: first symbols, merges, and what becomes of symbols that are no tokens.</summary>
internal sealed class BpeModel(Vocabulary vocabulary, MergeTable merges)
{
    private const int StackUnits = 128;

    private readonly Vocabulary _vocabulary = vocabulary;
    private readonly int[] _byteTokens = ByteTokens(vocabulary);
    private readonly PieceCache _cache = new();

    /// <summary>Symbols start as characters (SentencePiece), otherwise as bytes.</summary>
    public bool CharacterSymbols { get; init; }

    /// <summary>Pieces come in GPT-2's alphabet.</summary>
    public bool ByteAlphabet { get; init; }

    /// <summary>A piece that is a token as a whole is not merged.</summary>
    public bool WholePieces { get; init; }

    /// <summary>The token of characters that have neither token nor byte tokens, or -1 where they are dropped.</summary>
    public int Unknown { get; init; } = -1;

    /// <summary>Unknown symbols that follow one another are one unknown token.</summary>
    public bool FusesUnknown { get; init; }

    /// <summary>Characters without a token that can still merge into one, with their symbol: an id past the vocabulary.</summary>
    public IReadOnlyDictionary<int, int> Tokenless { get; init; } = new Dictionary<int, int>();

    /// <summary>Appends the ids of one piece.</summary>
    public void Encode(ReadOnlySpan<char> piece, TokenList output)
    {
        if (piece.Length > PieceCache.LongestPiece)
        {
            EncodeUncached(piece, output);
            return;
        }
        uint hash = PieceCache.Hash(piece);
        if (_cache.TryGet(piece, hash, out ReadOnlySpan<int> known))
        {
            output.Add(known);
            return;
        }
        int start = output.Count;
        EncodeUncached(piece, output);
        _cache.Add(piece, hash, output.From(start));
    }

    private void EncodeUncached(ReadOnlySpan<char> piece, TokenList output)
    {
        int capacity = Encoding.UTF8.GetMaxByteCount(piece.Length);
        if (piece.Length <= StackUnits)
        {
            Encode(piece, stackalloc byte[capacity], stackalloc int[capacity], stackalloc int[capacity + 1], output);
            return;
        }
        byte[] bytes = ArrayPool<byte>.Shared.Rent(capacity);
        int[] ids = ArrayPool<int>.Shared.Rent(capacity);
        int[] starts = ArrayPool<int>.Shared.Rent(capacity + 1);
        Encode(piece, bytes, ids, starts, output);
        ArrayPool<byte>.Shared.Return(bytes);
        ArrayPool<int>.Shared.Return(ids);
        ArrayPool<int>.Shared.Return(starts);
    }

    private void Encode(ReadOnlySpan<char> piece, Span<byte> buffer, Span<int> ids, Span<int> starts, TokenList output)
    {
        ReadOnlySpan<byte> bytes =
            buffer[..(ByteAlphabet ? TokenSpellings.FromByteLevel(piece, buffer) : Encoding.UTF8.GetBytes(piece, buffer))];
        if (WholePieces && _vocabulary.Find(bytes) is >= 0 and int whole && _vocabulary.Kinds[whole] != TokenKind.Control)
        {
            output.Add(whole);
            return;
        }
        int count = CharacterSymbols ? Characters(bytes, ids, starts) : Bytes(bytes, ids, starts);
        count = SymbolMerger.Merge(merges, ids[..count], starts[..count]);
        starts[count] = bytes.Length;
        bool fuses = false;
        for (int i = 0; i < count; i++)
        {
            bool known = (uint)ids[i] < (uint)_vocabulary.Count || CanSpell(bytes[starts[i]..starts[i + 1]]);
            if ((uint)ids[i] < (uint)_vocabulary.Count) output.Add(ids[i]);
            else if (known || !fuses) Spell(bytes[starts[i]..starts[i + 1]], output);
            fuses = !known && FusesUnknown;
        }
    }

    /// <summary>One symbol a byte; bytes without a token are dropped.</summary>
    private int Bytes(ReadOnlySpan<byte> bytes, Span<int> ids, Span<int> starts)
    {
        int count = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            int id = _byteTokens[bytes[i]];
            if (id >= 0 || Unknown >= 0)
            {
                ids[count] = id;
                starts[count++] = i;
            }
        }
        return count;
    }

    /// <summary>
    /// One symbol a character; those that no token contains get -1, which never merges, or are dropped where nothing stands for them.
    /// </summary>
    private int Characters(ReadOnlySpan<byte> bytes, Span<int> ids, Span<int> starts)
    {
        int count = 0;
        for (int at = 0; at < bytes.Length;)
        {
            Rune.DecodeFromUtf8(bytes[at..], out Rune rune, out int length);
            int id = _vocabulary.Find(bytes.Slice(at, length));
            id = id >= 0 ? id : Tokenless.GetValueOrDefault(rune.Value, -1);
            if (id >= 0 || Unknown >= 0 || CanSpell(bytes.Slice(at, length)))
            {
                ids[count] = id;
                starts[count++] = at;
            }
            at += length;
        }
        return count;
    }

    /// <summary>A symbol that is no token: its bytes' tokens, or the unknown token where one of them is missing.</summary>
    private void Spell(ReadOnlySpan<byte> symbol, TokenList output)
    {
        if (Unknown >= 0 && !CanSpell(symbol))
        {
            output.Add(Unknown);
            return;
        }
        foreach (byte value in symbol)
        {
            if (_byteTokens[value] >= 0) output.Add(_byteTokens[value]);
        }
    }

    private bool CanSpell(ReadOnlySpan<byte> symbol)
    {
        bool complete = true;
        foreach (byte value in symbol) complete &= _byteTokens[value] >= 0;
        return complete;
    }

    /// <summary>The token of every byte: SentencePiece's byte tokens, in byte-level vocabularies the tokens of one byte.</summary>
    private static int[] ByteTokens(Vocabulary vocabulary)
    {
        int[] tokens = new int[256];
        bool named = false;
        foreach (TokenKind kind in vocabulary.Kinds) named |= kind == TokenKind.Byte;
        for (int value = 0; value < 256; value++) tokens[value] = named ? -1 : vocabulary.Find([(byte)value]);
        for (int id = 0; named && id < vocabulary.Count; id++)
        {
            if (vocabulary.Kinds[id] == TokenKind.Byte && vocabulary.Bytes(id) is [byte value]) tokens[value] = id;
        }
        return tokens;
    }
}
