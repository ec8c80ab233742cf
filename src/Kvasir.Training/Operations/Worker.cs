using Kvasir.Memory;
using Kvasir.Numerics;

namespace Kvasir.Training.Operations;

/// <summary>One thread of a <see cref="Crew"/>: takes tasks, meets the others, and has working memory of its own.</summary>
internal sealed unsafe class Worker(WorkerPool pool, TaskDeals deals, int index, AttentionKernels kernels) : IDisposable
{
    private const int RowsOfATask = 16;

    private NativeBuffer _scratch = new(0);
    private int _half, _deal;

    /// <summary>Products of small matrices, softmax.</summary>
    public AttentionKernels Kernels { get; } = kernels;

    /// <summary>Whether this is the thread that does what only one should.</summary>
    public bool IsFirst => index == 0;

    /// <summary>Forgets the last program.</summary>
    public void Begin()
    {
        (_half, _deal) = (0, 0);
        deals.Clear(0);
        deals.Clear(1);
    }

    /// <summary>Numbers below <paramref name="count"/> that no other worker gets: <c>foreach (int task in worker.Tasks(n))</c>.</summary>
    public TaskShare Tasks(int count)
    {
        if (_deal == TaskDeals.MostBetweenMeetings) throw new InvalidOperationException("too many deals without a meeting");
        return new TaskShare(deals, _half, _deal++, count);
    }

    /// <summary>Ranges of rows that no other worker gets.</summary>
    public RowShare Rows(int rows) => new(Tasks((rows + RowsOfATask - 1) / RowsOfATask), RowsOfATask, rows);

    /// <summary>Ranges of columns that no other worker gets: whole cache lines.</summary>
    public RowShare Columns(int columns) => Rows(columns);

    /// <summary>Waits until all have come here, and with them all that they wrote.</summary>
    public void Meet()
    {
        deals.Clear(1 - _half); // what was before the last meeting; nobody is in the next part yet
        pool.Barrier(index);
        (_half, _deal) = (1 - _half, 0);
    }

    /// <summary>Working memory, 64-byte aligned, that keeps nothing between calls; it grows to the most that was asked for.</summary>
    public float* Scratch(long floats)
    {
        long bytes = floats * sizeof(float);
        if (_scratch.Length >= bytes) return (float*)_scratch.Pointer;
        _scratch.Dispose();
        _scratch = new NativeBuffer(bytes, hugePages: true);
        return (float*)_scratch.Pointer;
    }

    public void Dispose() => _scratch.Dispose();
}

/// <summary>The tasks that a worker gets of a deal.</summary>
internal struct TaskShare(TaskDeals deals, int half, int deal, int count)
{
    public int Current { get; private set; } = -1;

    public readonly TaskShare GetEnumerator() => this;

    public bool MoveNext() => (Current = deals.Take(half, deal)) < count;
}

/// <summary>The ranges of rows that a worker gets.</summary>
internal struct RowShare(TaskShare tasks, int rowsOfATask, int rows)
{
    private TaskShare _tasks = tasks;

    public readonly RowRange Current => new(_tasks.Current * rowsOfATask, Math.Min(rowsOfATask, rows - _tasks.Current * rowsOfATask));

    public readonly RowShare GetEnumerator() => this;

    public bool MoveNext() => _tasks.MoveNext();
}

/// <summary>Some consecutive rows.</summary>
internal readonly record struct RowRange(int First, int Count)
{
    public int End => First + Count;

    /// <summary>These rows of a matrix.</summary>
    public Span<T> Of<T>(Span<T> matrix, int width) => matrix.Slice(First * width, Count * width);

    /// <inheritdoc cref="Of{T}(Span{T}, int)"/>
    public ReadOnlySpan<T> Of<T>(ReadOnlySpan<T> matrix, int width) => matrix.Slice(First * width, Count * width);

    /// <inheritdoc cref="Of{T}(Span{T}, int)"/>
    public Span<T> Of<T>(T[] matrix, int width) => matrix.AsSpan(First * width, Count * width);
}
