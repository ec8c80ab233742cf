namespace Kvasir.Cache;

/// <summary>How a cache keeps its keys and values: the policy grammar of <c>--kv</c>.</summary>
public sealed record KvPolicy
{
    /// <summary>float16 keys and values, nothing evicted.</summary>
    public static KvPolicy Default { get; } = new();

    /// <summary>Parses <c>k=f16,v=f16</c>.</summary>
    /// <exception cref="InvalidInputException">An unknown, impossible or out-of-range term, which the message names.</exception>
    public static KvPolicy Parse(string text) => throw new NotImplementedException();
}
