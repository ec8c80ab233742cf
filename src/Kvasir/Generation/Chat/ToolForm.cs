using System.Text.Json;
using Kvasir.Tokenization;

namespace Kvasir.Generation.Chat;

/// <summary>How a family of models writes calls of tools, told by its chat template.</summary>
/// <param name="Opening">What stands before a call; empty where a reply that begins with a brace is one.</param>
/// <param name="Closing">What stands behind it; null where it goes to the end of the reply.</param>
/// <param name="Arguments">The member with the arguments.</param>
/// <param name="IsList">Whether the calls stand in a JSON array.</param>
internal sealed record ToolForm(string Opening, string? Closing, string Arguments, bool IsList = false)
{
    /// <summary>Hermes, Qwen 2.5 and 3: <c>&lt;tool_call&gt;{"name": …, "arguments": …}&lt;/tool_call&gt;</c>.</summary>
    public static ToolForm Hermes { get; } = new("<tool_call>", "</tool_call>", "arguments");

    /// <summary>Mistral: <c>[TOOL_CALLS][{"name": …, "arguments": …}]</c>, and later <c>[TOOL_CALLS]name[ARGS]{…}</c>.</summary>
    public static ToolForm Mistral { get; } = new("[TOOL_CALLS]", null, "arguments", IsList: true);

    /// <summary>Llama 3: the reply is <c>{"name": …, "parameters": …}</c>, perhaps behind <c>&lt;|python_tag|&gt;</c>.</summary>
    public static ToolForm Llama3 { get; } = new("", null, "parameters");

    /// <summary>The form that a template asks its model for; null where it knows no tools.</summary>
    public static ToolForm? Of(ChatTemplate? template)
    {
        string source = template?.Source ?? "";
        if (!source.Contains("tools", StringComparison.Ordinal)) return null;
        if (source.Contains("[TOOL_CALLS]", StringComparison.Ordinal)) return Mistral;
        if (source.Contains("<tool_call>", StringComparison.Ordinal)) return Hermes;
        return source.Contains("parameters", StringComparison.Ordinal) ? Llama3 : null;
    }

    /// <summary>A schema of a reply that is one call of one of these tools, behind the opening.</summary>
    public string Schema(IEnumerable<ToolDefinition> tools)
    {
        string calls = string.Join(",", tools.Select(tool =>
            $$"""
            {"type":"object","properties":{"name":{"const":{{JsonSerializer.Serialize(tool.Name)}}},"{{Arguments}}":{{tool.ClosedParameters}}},
            "required":["name","{{Arguments}}"]}
            """));
        string one = $$"""{"anyOf":[{{calls}}]}""";
        return IsList ? $$"""{"type":"array","items":{{one}},"minItems":1,"maxItems":1}""" : one;
    }
}
