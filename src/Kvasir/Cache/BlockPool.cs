using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>
/// Where the blocks of caches come from and return to, with a budget in bytes. Thread-safe.
/// Memory is taken from the system in slabs and given back when a slab's last block is returned.
/// </summary>
public sealed class BlockPool : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Stack<KvBlock>> _free = [];
    private List<KvBlock>? _aside;
    private int _era;
    private long _bytes, _reserved, _most, _memory;
    private bool _disposed;

    /// <summary>A pool that holds at most <paramref name="budget"/> bytes of blocks.</summary>
    public BlockPool(long budget = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(budget);
        Budget = budget;
    }

    /// <summary>The most bytes that may be held at once.</summary>
    public long Budget { get; }

    /// <summary>Bytes of blocks held now.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Bytes that are taken from the system for blocks: those held, and what is left of their slabs.</summary>
    public long MemoryBytes => Interlocked.Read(ref _memory);

    /// <summary>The most bytes that were ever held at once.</summary>
    public long MostBytes => Interlocked.Read(ref _most);

    /// <summary>Frees what is not in use; blocks still in use are freed as they are returned.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            FreeIdleSlabs();
            _free.Clear();
        }
    }

    /// <summary>Reserves <paramref name="bytes"/> more for a forward pass or a copy, until <see cref="Release"/>.</summary>
    /// <exception cref="KvBudgetExceededException">The budget does not hold them.</exception>
    internal void Reserve(long bytes)
    {
        lock (_lock)
        {
            if (_bytes + _reserved + bytes > Budget) throw new KvBudgetExceededException(Budget, _bytes + _reserved, bytes);
            _reserved += bytes;
        }
    }

    internal void Release(long bytes)
    {
        lock (_lock) _reserved -= bytes;
    }

    /// <summary>A block of at least <paramref name="length"/> bytes with one reference; its content is not defined.</summary>
    internal KvBlock Rent(int length)
    {
        length = (length + NativeBuffer.Alignment - 1) / NativeBuffer.Alignment * NativeBuffer.Alignment;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            ref Stack<KvBlock>? stack = ref CollectionsMarshal.GetValueRefOrAddDefault(_free, length, out _);
            stack ??= new Stack<KvBlock>();
            if (stack.Count == 0) BlockSlab.Fill(this, length, stack, _era);
            KvBlock block = stack.Pop();
            block.Slab.BlocksInUse++;
            _bytes += length;
            _most = Math.Max(_most, _bytes);
            return block.Retain();
        }
    }

    /// <summary>A slab was taken from the system, or given back.</summary>
    internal void Took(long bytes) => Interlocked.Add(ref _memory, bytes);

    internal void Return(KvBlock block)
    {
        lock (_lock)
        {
            _bytes -= block.Length;
            block.Slab.BlocksInUse--;
            bool isAside = _aside is not null && block.Slab.Era < _era;
            if (_disposed || isAside) block.Slab.FreeIfIdle();
            if (_disposed) return;
            if (isAside) _aside!.Add(block);
            else _free[block.Length].Push(block);
            if (_bytes == 0) FreeIdleSlabs();
        }
    }

    /// <summary>
    /// From now on blocks come from fresh slabs and none of the others is handed out again, until <see cref="Trim"/>: what is encoded
    /// densely then lies densely, and slabs that it came from are given back as soon as no block of theirs is in use.
    /// </summary>
    internal void SetAside()
    {
        lock (_lock)
        {
            FreeIdleSlabs();
            _aside ??= [];
            _era++;
            foreach (Stack<KvBlock> stack in _free.Values)
            {
                _aside.AddRange(stack);
                stack.Clear();
            }
        }
    }

    /// <summary>Ends <see cref="SetAside"/>, and gives slabs of which no block is in use back to the system.</summary>
    internal void Trim()
    {
        lock (_lock)
        {
            if (_aside is null) return;
            foreach (KvBlock block in _aside) _free[block.Length].Push(block);
            _aside = null;
            FreeIdleSlabs();
        }
    }

    private void FreeIdleSlabs()
    {
        foreach (Stack<KvBlock> stack in _free.Values)
        {
            KvBlock[] left = [.. stack.Reverse().Where(block => !block.Slab.FreeIfIdle())];
            stack.Clear();
            foreach (KvBlock block in left) stack.Push(block);
        }
    }
}
