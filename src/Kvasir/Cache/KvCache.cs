namespace Kvasir.Cache;

/// <summary>The keys and values of one sequence. Used by one thread at a time; made by <see cref="Models.Model.NewCache"/>.</summary>
public sealed class KvCache : IDisposable
{
    /// <summary>The position that the next token gets: the number of tokens so far.</summary>
    public int Length => throw new NotImplementedException();

    /// <summary>Bytes really held: blocks, tail, lists. Blocks shared with other caches and mapped files count in full.</summary>
    public long Bytes => throw new NotImplementedException();

    /// <summary>Bytes that the same tokens take in float16.</summary>
    public long BytesF16 => throw new NotImplementedException();

    /// <summary>The policy it keeps to.</summary>
    public KvPolicy Policy => throw new NotImplementedException();

    /// <summary>A copy that shares all sealed blocks; O(blocks).</summary>
    public KvCache Fork() => throw new NotImplementedException();

    /// <summary>Forgets all tokens from <paramref name="length"/> on.</summary>
    public void Truncate(int length) => throw new NotImplementedException();

    /// <summary>Seals the tail, so that the next token starts a new block: the border of a part that is to be saved alone.</summary>
    public void Seal() => throw new NotImplementedException();

    /// <summary>
    /// Appends the tokens of a saved cache after the tokens here, mapped and not copied, at positions from <see cref="Length"/> on,
    /// wherever they stood when they were computed (queries are rotated, stored keys are not touched).
    /// </summary>
    public void Place(KvFile file) => throw new NotImplementedException();

    /// <summary>Saves tokens [firstToken, <see cref="Length"/>) (a border made by <see cref="Seal"/>, or 0) under a temporary name, flushes and renames.</summary>
    /// <param name="path">The file.</param>
    /// <param name="ids">The token ids of the saved range.</param>
    /// <param name="firstToken">Where the saved range starts.</param>
    public void Save(string path, ReadOnlySpan<int> ids, int firstToken = 0) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
