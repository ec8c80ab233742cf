using System.Security.Cryptography;

namespace Kvasir.Cli.Models;

/// <summary>A download as <c>NAME.part</c>, with the checksum of what it holds; only one process at a time writes to it.</summary>
internal sealed class PartFile : IDisposable
{
    private const int BufferSize = 1 << 17;
    private static readonly byte[] s_magic = "GGUF"u8.ToArray();

    private readonly FileStream _stream;
    private IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private bool _isDiscarded;

    private PartFile(FileStream stream) => _stream = stream;

    public long Length => _stream.Length;

    /// <summary>Opens or makes the file, and reads what is there into the checksum.</summary>
    public static async Task<PartFile> Open(string path, CancellationToken cancellation)
    {
        var part =
            new PartFile(
                new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1,
                FileOptions.Asynchronous | FileOptions.SequentialScan));
        byte[] buffer = new byte[BufferSize];
        for (int read = 1; read > 0;)
        {
            read = await part._stream.ReadAsync(buffer, cancellation).ConfigureAwait(false);
            part._hash.AppendData(buffer, 0, read);
        }

        return part;
    }

    public async Task Append(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        await _stream.WriteAsync(bytes, cancellation).ConfigureAwait(false);
        _hash.AppendData(bytes.Span);
    }

    public void Clear()
    {
        _stream.SetLength(0);
        _hash.Dispose();
        _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    }

    /// <summary>Checksum (hex) of all that the file holds.</summary>
    public string Sha256() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public bool IsGguf()
    {
        byte[] start = new byte[s_magic.Length];
        return RandomAccess.Read(_stream.SafeFileHandle, start, 0) == start.Length && start.AsSpan().SequenceEqual(s_magic);
    }

    /// <summary>Brings every byte to the disk.</summary>
    public void Flush() => _stream.Flush(flushToDisk: true);

    /// <summary>Has the file deleted when it is closed, because what it holds is of no use.</summary>
    public void Discard() => _isDiscarded = true;

    public void Dispose()
    {
        string path = _stream.Name;
        bool isUseless = _isDiscarded || _stream.Length == 0;
        _stream.Dispose();
        _hash.Dispose();
        if (isUseless) File.Delete(path);
    }
}
