using System.Net;
using Kvasir.Server.Requests;

namespace Kvasir.Server.Hosting;

/// <summary>
/// A server on loopback answers only to loopback's names: a page whose own name was made to lead to this machine (DNS rebinding) does not
/// reach it.
/// </summary>
internal sealed class LocalHost(RequestDelegate next, ServerOptions options)
{
    private readonly bool _isLoopback = IsLoopback(options.Host);

    public Task InvokeAsync(HttpContext context) => !_isLoopback || IsLoopback(context.Request.Host.Host) ? next(context)
        : throw new RequestException(StatusCodes.Status403Forbidden, "this server answers to localhost alone");

    public static bool IsLoopback(string host) => string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));
}
