using System.Buffers;
using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>Where a token of a head lies.</summary>
/// <param name="Segment">The segment whose blocks hold it, or null.</param>
/// <param name="Floats">The tail or the repaired rows that do, or null.</param>
/// <param name="Token">Which of their tokens.</param>
/// <param name="Offset">How far it stands from where its key was rotated for.</param>
/// <param name="Moved">How far it stands from where it was computed.</param>
internal readonly record struct TokenPlace(KvSegment? Segment, KvTail? Floats, int Token, int Offset = 0, int Moved = 0)
{
    public bool IsWhereComputed => (Offset, Moved) == (0, 0);

    /// <summary>Whether both can stand in one segment.</summary>
    public bool Follows(in TokenPlace other) => (Offset, Moved) == (other.Offset, other.Moved);
}

/// <summary>
/// Reads tokens of one head in float32, in any codec and wherever they lie: a block is decoded once for all its tokens that are read one
/// after another.
/// </summary>
internal sealed unsafe class TokenReader : IDisposable
{
    private readonly HeadCache _head;
    private readonly LayerLayout _layout;
    private readonly NativeBuffer _memory;
    private readonly float* _keys, _values, _key, _value;
    private (KvSegment? Segment, int Block) _decoded;
    private TokenPlace[] _places = [];

    public TokenReader(HeadCache head, LayerLayout layout)
    {
        (_head, _layout) = (head, layout);
        _memory = new NativeBuffer(KvTail.BlockBytes(layout) + (layout.KeyChannels + layout.ValueChannels) * sizeof(float));
        _keys = (float*)_memory.Pointer;
        _values = _keys + KvBlock.Tokens * layout.KeyChannels;
        _key = _values + KvBlock.Tokens * layout.ValueChannels;
        _value = _key + layout.KeyChannels;
    }

    /// <summary>Where the tokens at <paramref name="positions"/>, ascending, lie: known until the next are sought.</summary>
    public ReadOnlySpan<TokenPlace> Find(ReadOnlySpan<int> positions)
    {
        Forget();
        _places = ArrayPool<TokenPlace>.Shared.Rent(positions.Length);
        Span<TokenPlace> places = _places.AsSpan(0, positions.Length);
        int s = 0;
        for (int i = 0; i < places.Length; i++)
        {
            int position = positions[i], repaired = (_head.Repaired?.Positions.CountUpTo(position) ?? 0) - 1;
            while (s < _head.Segments.Count && _head.Segments[s].EndPosition <= position) s++;
            if (repaired >= 0 && _head.Repaired!.Positions[repaired] == position) places[i] = new TokenPlace(null, _head.Repaired.Rows,
                repaired);
            else if (s == _head.Segments.Count) places[i] = new TokenPlace(null, _head.Tail, position - _head.TailPosition);
            else
            {
                KvSegment segment = _head.Segments[s];
                places[i] = new TokenPlace(segment, null, segment.CountUpTo(position) - 1, segment.Offset,
                    segment.FirstPosition - segment.ComputedAt);
            }
        }
        return places;
    }

    /// <summary>Copies a token: its key as it is stored, and its value.</summary>
    public void Read(in TokenPlace place, float* key, float* value)
    {
        if (place.Floats is { } floats)
        {
            floats.Read(place.Token, key, value);
            return;
        }
        KvSegment segment = place.Segment!;
        (int block, int slot) = (place.Token / KvBlock.Tokens, place.Token % KvBlock.Tokens);
        if (_decoded != (segment, block)) segment.Codec.Decode(segment.Keys(block), _keys, _values, segment.Context(_layout, block));
        _decoded = (segment, block);
        for (int c = 0; c < _layout.KeyChannels; c++) key[c] = _keys[c * KvBlock.Tokens + slot];
        new ReadOnlySpan<float>(_values + slot * _layout.ValueChannels, _layout.ValueChannels)
            .CopyTo(new Span<float>(value, _layout.ValueChannels));
    }

    /// <summary>Adds a token to a tail.</summary>
    public void Append(in TokenPlace place, KvTail to)
    {
        Read(place, _key, _value);
        to.Grow(1);
        to.Write(to.TokenCount - 1, _key, _value);
    }

    public void Dispose()
    {
        Forget();
        _memory.Dispose();
    }

    private void Forget()
    {
        if (_places.Length > 0) ArrayPool<TokenPlace>.Shared.Return(_places, clearArray: true);
        _places = [];
    }
}
