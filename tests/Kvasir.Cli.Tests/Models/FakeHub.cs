using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Kvasir.Cli.Tests.Models;

/// <summary>
/// A model hub on 127.0.0.1 that serves one file as the real one does: a redirect that names checksum and size, then the bytes, with
/// ranges.
/// </summary>
internal sealed class FakeHub : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<string> _requests = [];
    private readonly byte[] _file;

    public FakeHub(byte[] file)
    {
        _file = file;
        Checksum = Convert.ToHexStringLower(SHA256.HashData(file));
        _listener.Start();
        _ = Task.Run(Serve);
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>What is published as the file's SHA-256; null to publish none.</summary>
    public string? Checksum { get; set; }

    /// <summary>Answered to every request instead of the file.</summary>
    public int? Status { get; set; }

    /// <summary>After how many bytes of body each of the next connections is cut.</summary>
    public Queue<int> Cuts { get; } = new();

    public bool IgnoresRanges { get; set; }

    /// <summary>What is answered where the files of the repository are asked for; 404 where null.</summary>
    public string? Listing { get; set; }

    /// <summary>The hub's own code for a refusal.</summary>
    public string? Refusal { get; set; }

    /// <summary>The requests so far: path and range.</summary>
    public string[] Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    public void Dispose() => _listener.Dispose();

    private async Task Serve()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                await Answer(client.GetStream());
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task Answer(NetworkStream stream)
    {
        string[] lines = await ReadHead(stream);
        string path = lines[0].Split(' ')[1];
        string? range = lines.FirstOrDefault(line => line.StartsWith("Range:", StringComparison.OrdinalIgnoreCase))?.Split('=')[1]
            .TrimEnd('-').Trim();
        lock (_requests)
        {
            _requests.Add(range is null ? path : $"{path} from {range}");
        }

        if (Status is null && path.StartsWith("/api/", StringComparison.Ordinal) && Listing is not null)
        {
            await Write(
                stream, $"HTTP/1.1 200 OK\r\nContent-Length: {Encoding.ASCII.GetByteCount(Listing)}\r\nConnection: close\r\n\r\n{Listing}");
        }
        else if ((Status ?? (path.StartsWith("/api/", StringComparison.Ordinal) ? 404 : null)) is int status)
        {
            await Write(
                stream, $"HTTP/1.1 {status} No\r\n{(Refusal is null ? "" : $"X-Error-Code: {Refusal}\r\n")}Content-Length: "
                + "0\r\nConnection: close\r\n\r\n");
        }
        else if (!path.StartsWith("/blob", StringComparison.Ordinal))
        {
            string tag = Checksum is null ? "" : $"X-Linked-ETag: \"{Checksum}\"\r\nX-Linked-Size: {_file.Length}\r\n";
            await Write(stream, $"HTTP/1.1 302 Found\r\nLocation: /blob\r\n{tag}Content-Length: 0\r\nConnection: close\r\n\r\n");
        }
        else
        {
            await SendFile(stream, range is null || IgnoresRanges
                ? 0 : int.Parse(range, CultureInfo.InvariantCulture), range is not null && !IgnoresRanges);
        }
    }

    private async Task SendFile(NetworkStream stream, int start, bool partial)
    {
        if (start >= _file.Length)
        {
            await Write(
                stream, $"HTTP/1.1 416 No\r\nContent-Range: bytes */{_file.Length}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return;
        }

        string head = partial ? $"HTTP/1.1 206 Part\r\nContent-Range: bytes {start}-{_file.Length - 1}/{_file.Length}\r\n"
            : "HTTP/1.1 200 OK\r\n";
        await Write(stream, $"{head}Content-Length: {_file.Length - start}\r\nConnection: close\r\n\r\n");
        int length = Cuts.TryDequeue(out int cut) ? Math.Min(cut, _file.Length - start) : _file.Length - start;
        await stream.WriteAsync(_file.AsMemory(start, length));
    }

    private static async Task<string[]> ReadHead(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        var lines = new List<string>();
        while (await reader.ReadLineAsync() is { Length: > 0 } line)
        {
            lines.Add(line);
        }

        return lines.Count > 0 ? [.. lines] : ["GET / HTTP/1.1"];
    }

    private static async Task Write(NetworkStream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text));
}
