using System.Security.Cryptography;
using Kvasir.Server.Requests;

namespace Kvasir.Server.Hosting;

/// <summary>Lets only callers in who show the key. The page itself, which asks for it, and <c>/health</c> are open.</summary>
internal sealed class ApiKey(RequestDelegate next, ServerOptions options)
{
    private readonly byte[]? _key = options.ApiKey is { } key ? Hash(key) : null;

    public Task InvokeAsync(HttpContext context)
    {
        if (_key is null || context.Request.Path.Value is "/" or "/health" || IsShown(context.Request)) return next(context);
        context.Response.Headers.WWWAuthenticate = "Bearer";
        throw new RequestException(StatusCodes.Status401Unauthorized,
            "show the server's key: Authorization: Bearer KEY")
        { Code = "invalid_api_key" };
    }

    private bool IsShown(HttpRequest request)
    {
        const string Bearer = "Bearer ";
        string? shown = request.Headers.Authorization.ToString() is { } header
            && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? header[Bearer.Length..].Trim() : request.Headers["x-api-key"].ToString();
        return CryptographicOperations.FixedTimeEquals(Hash(shown), _key);
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
