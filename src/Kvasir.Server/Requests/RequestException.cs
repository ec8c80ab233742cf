namespace Kvasir.Server.Requests;

/// <summary>A request that is refused: an HTTP status, what is wrong in one sentence, and which field it is about.</summary>
internal sealed class RequestException(int status, string message, string? about = null) : KvasirException(message)
{
    public int Status => status;

    public string? Field => about;

    /// <summary>A word for programs, such as OpenAI's errors have.</summary>
    public string? Code { get; init; }

    public static RequestException Bad(string message, string? field = null) => new(StatusCodes.Status400BadRequest, message, field);

    public static RequestException NotFound(string message, string code) => new(StatusCodes.Status404NotFound, message) { Code = code };
}
