using Kvasir.Cache;

namespace Kvasir.Models;

/// <summary>Which rows of a sequence's logits are wanted.</summary>
public enum LogitRows
{
    /// <summary>None.</summary>
    None,

    /// <summary>The last token's.</summary>
    Last,

    /// <summary>Every token's.</summary>
    All,
}

/// <summary>Tokens of any number of sequences for one forward pass, and the logits that it leaves. Reused from step to step.</summary>
public sealed class Batch
{
    /// <summary>Removes all tokens.</summary>
    public void Clear() => throw new NotImplementedException();

    /// <summary>Adds the next tokens of a sequence; each cache may stand in a batch once.</summary>
    public void Add(KvCache cache, ReadOnlySpan<int> ids, LogitRows rows = LogitRows.Last) => throw new NotImplementedException();

    /// <summary>Rows of logits after the forward pass, in the order of the tokens added.</summary>
    public int LogitRowCount => throw new NotImplementedException();

    /// <summary>The logits of one row, [vocabulary]; valid (and free to be changed) until the next forward pass.</summary>
    public Span<float> Logits(int row) => throw new NotImplementedException();
}
