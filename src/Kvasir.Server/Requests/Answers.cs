using System.Text.Encodings.Web;
using System.Text.Json.Serialization;

namespace Kvasir.Server.Requests;

/// <summary>Writes JSON: whole, as server-sent events, or a line each. Names in snake case, without what is null.</summary>
internal static class Answers
{
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Task WriteAsync(HttpContext context, object value) =>
        context.Response.WriteAsJsonAsync(value, value.GetType(), Json, "application/json", context.RequestAborted);

    /// <summary>Begins a stream; nothing on the way is to hold it back.</summary>
    public static void BeginStream(HttpContext context, string contentType)
    {
        context.Response.ContentType = contentType;
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
    }

    public static async Task WriteEventAsync(HttpContext context, object value, string? name = null)
    {
        string data = JsonSerializer.Serialize(value, value.GetType(), Json);
        await context.Response.WriteAsync(name is null ? $"data: {data}\n\n" : $"event: {name}\ndata: {data}\n\n", context.RequestAborted)
            .ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    public static async Task WriteLineAsync(HttpContext context, object value)
    {
        await context.Response.WriteAsync(JsonSerializer.Serialize(value, value.GetType(), Json) + "\n", context.RequestAborted)
            .ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Streams what comes; what goes wrong behind the first piece ends the stream with an error in it.</summary>
    public static async Task StreamAsync(HttpContext context, Func<object, Task> write, Func<Func<object, Task>, Task> run)
    {
        try
        {
            await run(write).ConfigureAwait(false);
        }
        catch (Exception failure) when (context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            await write(Errors.Body(context, failure, Errors.Status(failure))).ConfigureAwait(false);
        }
    }
}
