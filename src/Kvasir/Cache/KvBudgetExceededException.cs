namespace Kvasir.Cache;

/// <summary>A forward pass would hold more cache than the budget of its <see cref="BlockPool"/>; nothing was changed.</summary>
public sealed class KvBudgetExceededException : Exception
{
    /// <inheritdoc cref="KvBudgetExceededException"/>
    public KvBudgetExceededException(long budget, long held, long asked)
        : base($"the KV budget of {budget:N0} bytes is used up: {held:N0} held, {asked:N0} more needed; raise the budget or end a sequence") { }

    /// <inheritdoc cref="KvBudgetExceededException"/>
    public KvBudgetExceededException(string message) : base(message) { }

    /// <inheritdoc cref="KvBudgetExceededException"/>
    public KvBudgetExceededException(string message, Exception innerException) : base(message, innerException) { }

    /// <inheritdoc cref="KvBudgetExceededException"/>
    public KvBudgetExceededException() { }
}
