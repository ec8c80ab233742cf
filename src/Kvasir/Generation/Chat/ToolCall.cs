namespace Kvasir.Generation.Chat;

/// <summary>A call of a tool that a model has written.</summary>
/// <param name="Id">Nine letters and digits, which all templates take.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">A JSON object.</param>
internal sealed record ToolCall(string Id, string Name, string Arguments)
{
    private const string Signs = "abcdefghijklmnopqrstuvwxyz0123456789";

    public static ToolCall New(string name, string arguments) => new(Random.Shared.GetString(Signs, 9), name, arguments);
}
