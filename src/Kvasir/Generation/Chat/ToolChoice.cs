namespace Kvasir.Generation.Chat;

/// <summary>Whether a model is to call tools.</summary>
/// <param name="MustCall">Whether it has to; else it may.</param>
/// <param name="Name">The only one that it may call; null for any.</param>
internal sealed record ToolChoice(bool MustCall, string? Name = null)
{
    public static ToolChoice Auto { get; } = new(false);

    public static ToolChoice Required { get; } = new(true);
}
