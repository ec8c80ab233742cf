namespace Kvasir.Cache;

/// <summary>A forward pass would hold more cache than the budget of its <see cref="BlockPool"/>; nothing was changed.</summary>
public sealed class KvBudgetExceededException(string message) : KvasirException(message)
{
    internal KvBudgetExceededException(long budget, long held, long asked)
        : this($"the KV budget of {budget:N0} bytes is used up: {held:N0} held, {asked:N0} more needed; raise the budget or end a "
            + "sequence")
    { }
}
