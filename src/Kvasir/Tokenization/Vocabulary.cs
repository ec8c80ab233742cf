using System.Buffers;

namespace Kvasir.Tokenization;

/// <summary>The tokens: the bytes of each, its kind, and the way back from bytes to the id. Immutable.</summary>
internal sealed class Vocabulary
{
    private readonly byte[] _bytes;
    private readonly int[] _starts;
    private readonly TokenKind[] _kinds;
    private readonly int[] _slots;
    private readonly Dictionary<string, int> _named = new(StringComparer.Ordinal);

    /// <summary>A vocabulary whose id <c>i</c> is spelled <c>texts[i]</c>.</summary>
    /// <param name="texts">The spellings.</param>
    /// <param name="kinds">The kind of each.</param>
    /// <param name="spelling">How they are to be read.</param>
    /// <param name="literal">Ids of named tokens that are recognised as they are spelled, not as the text they stand for.</param>
    /// <param name="made">
    /// Which named tokens plain text can become where they are not looked for by name; where null, those that are user-defined.
    /// </param>
    public Vocabulary(
        string[] texts, TokenKind[] kinds, TokenSpelling spelling, IReadOnlySet<int>? literal = null, IReadOnlySet<int>? made = null)
    {
        _kinds = kinds;
        _starts = new int[texts.Length + 1];
        var bytes = new ArrayBufferWriter<byte>(Math.Max(64, texts.Length * 8));
        for (int id = 0; id < texts.Length; id++)
        {
            TokenSpellings.Decode(texts[id], kinds[id], spelling, bytes);
            _starts[id + 1] = bytes.WrittenCount;
            if (kinds[id] is TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined)
            {
                // In WordPiece's bytes a space stands for the beginning of a word.
                bool asSpelled = spelling == TokenSpelling.WordPieceHashed || (literal is not null && literal.Contains(id));
                _named.TryAdd(asSpelled ? texts[id] : Encoding.UTF8.GetString(bytes.WrittenSpan[_starts[id]..]), id);
            }
        }
        _bytes = bytes.WrittenSpan.ToArray();
        _slots = new int[HashTableSize(texts.Length)];
        for (int id = 0; id < texts.Length; id++)
        {
            bool isPlain = kinds[id] is TokenKind.Normal or TokenKind.Unused
                || (made is null ? kinds[id] == TokenKind.UserDefined : made.Contains(id));
            if (isPlain && _starts[id + 1] > _starts[id]) Insert(id);
        }
    }

    /// <summary>Number of ids.</summary>
    public int Count => _kinds.Length;

    /// <summary>All tokens' bytes, one after another.</summary>
    public ReadOnlySpan<byte> AllBytes => _bytes;

    /// <summary>Where each token's bytes begin in <see cref="AllBytes"/>; one more at the end.</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>The kind of every token.</summary>
    public ReadOnlySpan<TokenKind> Kinds => _kinds;

    /// <summary>Tokens that are recognised as whole texts, with their ids.</summary>
    public IReadOnlyDictionary<string, int> Named => _named;

    /// <summary>The bytes of a token.</summary>
    public ReadOnlySpan<byte> Bytes(int id) => _bytes.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);

    /// <summary>
    /// The token that plain text of exactly these bytes can become, or -1; never a byte token, nor a control token that nothing makes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ReadOnlySpan<byte> bytes)
    {
        int mask = _slots.Length - 1;
        for (int slot = Hash(bytes) & mask; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            int id = _slots[slot] - 1;
            if (Bytes(id).SequenceEqual(bytes)) return id;
        }
        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Insert(int id)
    {
        ReadOnlySpan<byte> bytes = Bytes(id);
        int mask = _slots.Length - 1;
        int slot = Hash(bytes) & mask;
        while (_slots[slot] != 0)
        {
            if (Bytes(_slots[slot] - 1).SequenceEqual(bytes)) return;
            slot = (slot + 1) & mask;
        }
        _slots[slot] = id + 1;
    }

    private static int HashTableSize(int count) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(count * 2L + 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Hash(ReadOnlySpan<byte> bytes)
    {
        ulong hash = (ulong)bytes.Length;
        foreach (byte value in bytes) hash = (hash ^ value) * 0x9E3779B97F4A7C15;
        return (int)(hash >> 33);
    }
}
