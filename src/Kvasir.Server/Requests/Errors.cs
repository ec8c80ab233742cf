using Kvasir.Cache;
using Kvasir.Documents.Catalog;
using Kvasir.Generation;
using Microsoft.Extensions.Logging;

namespace Kvasir.Server.Requests;

/// <summary>What went wrong as an HTTP status and JSON, in the form of the language that was spoken.</summary>
internal sealed partial class Errors(RequestDelegate next, ILogger<Errors> logger)
{
    /// <summary>nginx's word for it; nobody reads it.</summary>
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            if (!context.Response.HasStarted) context.Response.StatusCode = ClientClosedRequest;
        }
        catch (Exception failure) when (!context.Response.HasStarted)
        {
            int status = Status(failure);
            if (status == StatusCodes.Status500InternalServerError) LogFailure(logger, failure, context.Request.Path);
            context.Response.Clear();
            context.Response.StatusCode = status;
            if (failure is QueueFullException full)
                context.Response.Headers.RetryAfter = Math.Ceiling(full.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await Answers.WriteAsync(context, Body(context, failure, status)).ConfigureAwait(false);
        }
    }

    /// <summary>An error as an object, also for streams that have begun.</summary>
    public static object Body(HttpContext context, Exception failure, int status)
    {
        string message = status == StatusCodes.Status500InternalServerError ? "the server failed; its log says why" : failure.Message;
        if (context.Request.Path.StartsWithSegments("/api")) return new { Error = message };
        return new
        {
            Error = new
            {
                Message = message,
                Type = status switch { 429 => "rate_limit_error", >= 500 => "server_error", _ => "invalid_request_error" },
                Param = (failure as RequestException)?.Field,
                Code = (failure as RequestException)?.Code,
            },
        };
    }

    public static int Status(Exception failure) => failure switch
    {
        RequestException refused => refused.Status,
        BadHttpRequestException bad => bad.StatusCode,
        QueueFullException => StatusCodes.Status429TooManyRequests,
        EngineStoppedException => StatusCodes.Status503ServiceUnavailable,
        InvalidInputException or KvBudgetExceededException => StatusCodes.Status400BadRequest,
        ReadOnlyStoreException or StoreWriteException => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "A request to {Path} failed")]
    private static partial void LogFailure(ILogger logger, Exception failure, PathString path);
}
