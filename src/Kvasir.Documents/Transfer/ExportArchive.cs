using System.Buffers;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Kvasir.Documents.Transfer;

/// <summary>
/// An exported file, opened for reading. Everything in it may be hostile: it must hold exactly the entries that its manifest lists, none
/// compressed, together no larger than the file, and every byte that is handed out has been checked against the manifest's SHA-256.
/// </summary>
internal sealed class ExportArchive : IDisposable
{
    private const int LargestManifest = 1 << 28, LargestText = 1 << 30;

    private readonly string _path;
    private readonly ZipArchive _zip;
    private readonly Dictionary<string, (ZipArchiveEntry Entry, byte[] Sha256)> _entries = new(StringComparer.Ordinal);

    private ExportArchive(string path, ZipArchive zip) => (_path, _zip) = (path, zip);

    public ExportManifest Manifest { get; private set; } = null!;

    /// <summary>Whether the manifest carries an HMAC.</summary>
    public bool IsSigned { get; private set; }

    /// <summary>Bytes of all entries.</summary>
    public long Bytes => Manifest.Entries.Sum(entry => entry.Bytes);

    /// <summary>Opens an archive and checks its manifest: with a key, against its HMAC before anything else in it is looked at.</summary>
    /// <exception cref="InvalidInputException">Not such a file, damaged, or not signed with the key.</exception>
    public static ExportArchive Open(string path, byte[]? key)
    {
        if (Directory.Exists(path)) throw new InvalidInputException($"{path}: a folder; name a file that 'store export' has written");
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            var archive = new ExportArchive(path, new ZipArchive(file, ZipArchiveMode.Read));
            archive.Manifest = ExportManifest.Read(archive.ReadManifest(file.Length, key));
            archive.Match(file.Length);
            return archive;
        }
        catch (Exception error)
        {
            file?.Dispose();
            if (error is InvalidInputException or OutOfMemoryException) throw;

            // Whatever a reader of ZIP files trips over: the file is not one that can be imported.
            throw Refused(path, error);
        }
    }

    /// <summary>Reads everything once.</summary>
    /// <exception cref="InvalidInputException">Something is not what the manifest says.</exception>
    public void Verify(Action<long> report, CancellationToken cancellation)
    {
        long done = 0;
        foreach (ExportedEntry entry in Manifest.Entries)
        {
            cancellation.ThrowIfCancellationRequested();
            Read(entry.Name, _ => { });
            report(done += entry.Bytes);
        }
    }

    public bool Has(string name) => _entries.ContainsKey(name);

    /// <summary>The content of an entry.</summary>
    /// <exception cref="InvalidInputException">It is missing, too large, or not what the manifest says.</exception>
    public byte[] Read(string name)
    {
        long length = _entries.TryGetValue(name, out (ZipArchiveEntry Entry, byte[]) known)
            ? known.Entry.Length : throw Refused($"{name} is missing");
        byte[] content = new byte[length <= LargestText ? length : throw Refused($"{name} has {length} bytes, too many")];
        int filled = 0;
        Read(name, part =>
        {
            part.CopyTo(content.AsSpan(filled));
            filled += part.Length;
        });
        return content;
    }

    /// <summary>Hands out the content of an entry piece by piece. Only when this returns is it known to be right.</summary>
    /// <exception cref="InvalidInputException">It is missing or not what the manifest says.</exception>
    public void Read(string name, ReadOnlySpanAction<byte> take)
    {
        (ZipArchiveEntry entry, byte[] expected) = _entries.TryGetValue(name, out (ZipArchiveEntry, byte[]) known)
            ? known : throw Refused($"{name} is missing");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            using Stream content = entry.Open();
            long left = entry.Length;
            int read;
            while ((read = content.Read(buffer, 0, (int)Math.Min(buffer.Length, left + 1))) > 0)
            {
                left -= read;
                if (left < 0) break;
                hash.AppendData(buffer, 0, read);
                take(buffer.AsSpan(0, read));
            }

            if (left != 0 || !hash.GetHashAndReset().AsSpan().SequenceEqual(expected))
                throw Refused($"{name} is damaged (its checksum differs)");
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException or EndOfStreamException)
        {
            throw Refused(_path, error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public InvalidInputException Refused(string why) => new($"{_path}: not imported: {why}");

    public void Dispose() => _zip.Dispose();

    private static InvalidInputException Refused(string path, Exception error) =>
        error is FileNotFoundException or DirectoryNotFoundException
        ? new InvalidInputException($"{path}: no such file", error)
        : new InvalidInputException(
            $"{path}: not imported: not a file that 'store export' has written, or damaged ({error.Message.ReplaceLineEndings(" ")})",
            error);

    private byte[] ReadManifest(long fileLength, byte[]? key)
    {
        byte[] manifest = ReadSmall(ExportManifest.Name, (int)Math.Min(LargestManifest, fileLength))
            ?? throw new InvalidDataException("it has no manifest");
        if (!SHA256.HashData(manifest).AsSpan().SequenceEqual(ReadSmall(ExportManifest.ChecksumName, SHA256.HashSizeInBytes)))
            throw new InvalidDataException("its manifest's checksum differs");

        byte[]? signature = ReadSmall(ExportManifest.SignatureName, HMACSHA256.HashSizeInBytes);
        IsSigned = signature is not null;
        if (key is not null && !CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(key, manifest), signature))
            throw Refused(IsSigned ? "it is not signed with this key, or was changed after it was signed"
                : "it is not signed, and a key was given; leave the key out to import it all the same");

        return manifest;
    }

    private byte[]? ReadSmall(string name, int most)
    {
        if (_zip.GetEntry(name) is not { } entry) return null;
        if (entry.Length > most || entry.CompressedLength != entry.Length)
            throw new InvalidDataException($"{name} is too large or compressed");

        byte[] content = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>Lays manifest and archive beside each other.</summary>
    private void Match(long fileLength)
    {
        var found = new Dictionary<string, ZipArchiveEntry>(StringComparer.Ordinal);
        foreach (ZipArchiveEntry entry in _zip.Entries)
        {
            if (!found.TryAdd(entry.FullName, entry)) throw new InvalidDataException("a name stands in it twice");
        }

        long left = fileLength;
        foreach (ExportedEntry listed in Manifest.Entries)
        {
            if (!found.TryGetValue(listed.Name, out ZipArchiveEntry? entry) || entry.Length != listed.Bytes
                || entry.CompressedLength != listed.Bytes || (left -= listed.Bytes) < 0
                || !_entries.TryAdd(listed.Name, (entry, listed.Sha256)))
            {
                throw new InvalidDataException("its entries are not those that its manifest lists");
            }
        }

        if (found.Count != _entries.Count + (IsSigned ? 3 : 2))
            throw new InvalidDataException("it holds entries that its manifest does not list");
    }
}

/// <summary>Takes a piece of content.</summary>
internal delegate void ReadOnlySpanAction<T>(ReadOnlySpan<T> piece);
