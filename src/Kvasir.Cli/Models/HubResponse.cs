using System.Net;
using System.Net.Http.Headers;

namespace Kvasir.Cli.Models;

/// <summary>The hub's answer to a request for a file, with what the redirects on the way said of it.</summary>
internal sealed class HubResponse(HttpResponseMessage message, string? sha256, long? size) : IDisposable
{
    private const int MaxRedirects = 8;
    public const int Sha256Digits = 64;

    /// <summary>The environment variable that names who asks; only the hub itself is told, never where it redirects to.</summary>
    public const string TokenVariable = "HF_TOKEN";

    public HttpStatusCode Status => message.StatusCode;

    /// <summary>The file's checksum (hex), from <c>X-Linked-ETag</c>; null where none was given.</summary>
    public string? Sha256 { get; } = sha256;

    /// <summary>Where the body begins in the file.</summary>
    public long Start => Status == HttpStatusCode.PartialContent ? message.Content.Headers.ContentRange?.From ?? -1 : 0;

    /// <summary>The whole file's size; null where unknown.</summary>
    public long? Total => Status switch
    {
        HttpStatusCode.OK => message.Content.Headers.ContentLength ?? size,
        HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable =>
            message.Content.Headers.ContentRange?.Length ?? size,
        _ => size,
    };

    /// <summary>Why the hub refuses, in its own code, such as <c>GatedRepo</c>; empty where it gives none.</summary>
    public string Refusal => Header(message, "X-Error-Code") ?? "";

    public Task<Stream> Body(CancellationToken cancellation) => message.Content.ReadAsStreamAsync(cancellation);

    /// <summary>Asks for a file from byte <paramref name="start"/> on; follows redirects, whose headers name checksum and size.</summary>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    /// <exception cref="WorkFailedException">It redirects without end, or from HTTPS to something else.</exception>
    public static async Task<HubResponse> Request(HttpClient client, Uri address, long start, CancellationToken cancellation)
    {
        string hub = address.Authority;
        string? sha256 = null;
        long? size = null;
        for (int redirects = 0; redirects <= MaxRedirects; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.Range = start > 0 ? new RangeHeaderValue(start, null) : null;
            request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
            bool mayKnow = address.Authority == hub && (address.Scheme == Uri.UriSchemeHttps || address.IsLoopback);
            if (mayKnow && Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } token
                && token.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')) request.Headers.Authorization =
                new AuthenticationHeaderValue("Bearer", token);
            HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation)
                .ConfigureAwait(false);
            sha256 ??= Checksum(Header(response, "X-Linked-ETag")) ?? Checksum(Header(response, "ETag"));
            size ??= long.TryParse(Header(response, "X-Linked-Size"), NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)
                ? bytes : null;
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not Uri location)
                return new HubResponse(response, sha256, size);

            response.Dispose();
            Uri next = new(address, location);
            bool staysSafe = next.Scheme == Uri.UriSchemeHttps || (next.Scheme == Uri.UriSchemeHttp && address.Scheme == Uri.UriSchemeHttp);
            address = staysSafe ? next : throw new WorkFailedException($"{address.Host} redirects to {next.Scheme}, which is not safe");
        }

        throw new WorkFailedException($"{address.Host} redirects without end");
    }

    public void Dispose() => message.Dispose();

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;

    private static string? Checksum(string? tag)
    {
        string? text = tag?.Trim().Trim('"');
        return text?.Length == Sha256Digits && text.All(char.IsAsciiHexDigit) ? text : null;
    }
}
