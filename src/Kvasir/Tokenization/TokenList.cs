using System.Buffers;

namespace Kvasir.Tokenization;

/// <summary>A growing list of ids in a pooled array.</summary>
internal sealed class TokenList(int capacity) : IDisposable
{
    private int[] _ids = ArrayPool<int>.Shared.Rent(Math.Max(16, capacity));
    private int _count;

    public void Add(int id)
    {
        if (_count == _ids.Length) Grow(1);
        _ids[_count++] = id;
    }

    public void Add(ReadOnlySpan<int> ids)
    {
        if (ids.Length > _ids.Length - _count) Grow(ids.Length);
        if (ids.Length == 1)
        {
            _ids[_count++] = ids[0];
            return;
        }
        ids.CopyTo(_ids.AsSpan(_count));
        _count += ids.Length;
    }

    public int Count => _count;

    public ReadOnlySpan<int> From(int start) => _ids.AsSpan(start, _count - start);

    public void Truncate(int count) => _count = Math.Min(_count, count);

    public int[] ToArray() => _ids.AsSpan(0, _count).ToArray();

    public void Dispose()
    {
        ArrayPool<int>.Shared.Return(_ids);
        _ids = [];
        _count = 0;
    }

    private void Grow(int more)
    {
        int[] larger = ArrayPool<int>.Shared.Rent(Math.Max(checked(_count + more), (int)Math.Min(Array.MaxLength, _ids.Length * 2L)));
        _ids.AsSpan(0, _count).CopyTo(larger);
        ArrayPool<int>.Shared.Return(_ids);
        _ids = larger;
    }
}
