using Kvasir.Server.Requests;

namespace Kvasir.Server.Mcp;

/// <summary>
/// MCP's package reads its messages itself, less strictly, and fails where they are no good: they are read as all requests are first, and
/// what it throws at the rest is the client's fault.
/// </summary>
internal sealed class McpMessages(RequestDelegate next)
{
    public const string Path = "/mcp";

    public async Task InvokeAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method) || !context.Request.Path.StartsWithSegments(Path))
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        JsonElement message = await RequestBody.ReadAsync(context).ConfigureAwait(false);
        context.Request.Body = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(message));
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (JsonException wrong)
        {
            throw RequestException.Bad($"this is no message of MCP: {wrong.Message}");
        }
    }
}
