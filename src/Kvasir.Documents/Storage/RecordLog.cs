using System.Buffers.Binary;
using System.Security.Cryptography;
using Kvasir.Memory;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Storage;

/// <summary>What a reader gets of each record: its type, its payload, and where in the file the payload stands.</summary>
internal delegate void RecordVisitor(uint type, ReadOnlySpan<byte> payload, long payloadOffset);

/// <summary>
/// An append-only file of records, each with checksums over its header and its payload. A record counts from the moment its last byte is there;
/// a torn end is ignored by readers and cut off by the next writer. A damaged record in the middle costs only itself: the reader goes on at the
/// next sound one. All checksums start from a number drawn when the file is made, so that no document's text can pose as records. A file beside it
/// (<see cref="EndSuffix"/>) tells where the log ended when it was last flushed, so that a log that was cut off is not taken for a shorter one.
/// </summary>
internal sealed class RecordLog : IDisposable
{
    private const ulong FileMagic = 0x474F4C53_4156_4B01, Version = 2;
    private const uint RecordMagic = 0x4345524B;
    private const int FileHeaderBytes = 32, RecordHeaderBytes = 24, Alignment = 8;

    /// <summary>What follows the log's name in that of the file with the mark of its end.</summary>
    public const string EndSuffix = ".end";

    private readonly StoreFiles _files;
    private readonly SafeFileHandle _handle;
    private readonly uint _salt;
    private MappedFile? _mapped;

    private RecordLog(string path, StoreFiles files, SafeFileHandle handle, uint salt)
    {
        Path = path;
        _files = files;
        _handle = handle;
        _salt = salt;
        End = FileHeaderBytes;
    }

    public string Path { get; }

    /// <summary>Where the last sound record ends: the place of the next one.</summary>
    public long End { get; private set; }

    /// <summary>Damaged stretches between sound records, and one at the end where there was once more.</summary>
    public int Damaged { get; private set; }

    /// <summary>Makes an empty log, in place of any that was there.</summary>
    public static void Create(string path, StoreFiles files) => files.Replace(path, NewHeader(out _));

    /// <exception cref="InvalidInputException">Not a log of this kind, or of a newer version.</exception>
    public static RecordLog Open(string path, StoreFiles files, bool write)
    {
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, write ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            Span<byte> header = stackalloc byte[FileHeaderBytes];
            if (ReadFully(handle, header, 0) < FileHeaderBytes || BinaryPrimitives.ReadUInt64LittleEndian(header) != FileMagic
                || BinaryPrimitives.ReadUInt32LittleEndian(header[28..]) != Checksum.Of(header[..28]))
            {
                throw new InvalidInputException($"{path}: not a catalog of a document store, or its first bytes are damaged; delete it and ingest the documents again (their KV is kept)");
            }

            ulong version = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
            return version != Version
                ? throw new InvalidInputException($"{path}: made by another version of this program (catalog version {version}, this one reads {Version}); delete the store's folder and ingest the documents again")
                : new RecordLog(path, files, handle, BinaryPrimitives.ReadUInt32LittleEndian(header[16..]));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Visits all sound records from the first.</summary>
    public void Read(RecordVisitor visit)
    {
        // Before the length is taken: a writer flushes first and marks then.
        long flushed = CheckedJson.Read<EndMark>(Path + EndSuffix, out _) is { } mark && mark.Salt == _salt ? mark.End : 0;
        using var window = new FileWindow(_handle);
        long at = FileHeaderBytes;
        bool broken = false;
        End = at;
        Damaged = 0;
        while (at + RecordHeaderBytes <= window.Length)
        {
            if (!TryRead(window, at, visit, out long next))
            {
                broken = true;
                at += Alignment;
                continue;
            }

            Damaged += broken ? 1 : 0;
            broken = false;
            at = next;
            End = next;
        }

        Damaged += End < flushed ? 1 : 0;
    }

    /// <summary>Cuts off what follows the last sound record. Only for the one writer.</summary>
    public void CutTornEnd()
    {
        if (RandomAccess.GetLength(_handle) > End) RandomAccess.SetLength(_handle, End);
    }

    /// <summary>Adds a record and returns where its payload stands. Durable after the next <see cref="Flush"/>.</summary>
    public long Append(uint type, ReadOnlySpan<byte> payload)
    {
        byte[] record = Frame(type, payload, _salt);
        _files.Write(_handle, record, End);
        long offset = End + RecordHeaderBytes;
        End += record.Length;
        return offset;
    }

    /// <summary>Makes all records durable, and notes where they end.</summary>
    public void Flush()
    {
        _files.Flush(_handle);
        Mark(_salt, End);
    }

    /// <summary>Fills <paramref name="bytes"/> from within a payload that was visited or appended.</summary>
    public void ReadPayload(long offset, Span<byte> bytes)
    {
        if (ReadFully(_handle, bytes, offset) < bytes.Length)
            throw new InvalidInputException($"{Path}: the catalog has become shorter while it was in use; open the store again");
    }

    /// <summary>Bytes within a payload that was visited, from the mapped file: pages that are not touched take no memory. Not for the writer, whose file grows.</summary>
    public ReadOnlySpan<byte> MappedPayload(long offset, int length) => (_mapped ??= MappedFile.Open(_handle, Path)).Slice(offset, length);

    /// <summary>Writes a log of only the given payloads in place of this one, which stays as it is until the new one is complete.</summary>
    public void Rewrite(IEnumerable<(uint Type, byte[] Payload)> records) => _files.Replace(Path, file =>
    {
        byte[] header = NewHeader(out uint salt);
        _files.Write(file, header, 0);
        long at = header.Length;
        foreach ((uint type, byte[] payload) in records)
        {
            byte[] record = Frame(type, payload, salt);
            _files.Write(file, record, at);
            at += record.Length;
        }

        Mark(salt, at);
    });

    /// <summary>Bytes that a payload of this length takes in the file.</summary>
    public static long RecordBytes(long payloadLength) => RecordHeaderBytes + Pad(payloadLength);

    public void Dispose()
    {
        _mapped?.Dispose();
        _handle.Dispose();
    }

    /// <summary>Not flushed, nor renamed into place: a mark that is old, torn or lost only tells less.</summary>
    private void Mark(uint salt, long end)
    {
        try
        {
            File.WriteAllBytes(Path + EndSuffix, CheckedJson.Write(new EndMark(salt, end)));
        }
        catch (IOException)
        {
            // A reader has it open on a system that minds.
        }
    }

    private static byte[] NewHeader(out uint salt)
    {
        byte[] header = new byte[FileHeaderBytes];
        salt = BinaryPrimitives.ReadUInt32LittleEndian(RandomNumberGenerator.GetBytes(4));
        BinaryPrimitives.WriteUInt64LittleEndian(header, FileMagic);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), salt);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(28), Checksum.Of(header.AsSpan(0, 28)));
        return header;
    }

    /// <summary>Header: magic, type, payload length, checksum of the payload, checksum of these 16 bytes, 0. The payload is padded to 8 bytes.</summary>
    private static byte[] Frame(uint type, ReadOnlySpan<byte> payload, uint salt)
    {
        byte[] record = new byte[RecordBytes(payload.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(record, RecordMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), type);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(8), payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12), Checksum.Of(payload, salt));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(16), Checksum.Of(record.AsSpan(0, 16), salt));
        payload.CopyTo(record.AsSpan(RecordHeaderBytes));
        return record;
    }

    private bool TryRead(FileWindow window, long at, RecordVisitor visit, out long next)
    {
        next = at;
        ReadOnlySpan<byte> header = window.Read(at, RecordHeaderBytes);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != RecordMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(header[16..]) != Checksum.Of(header[..16], _salt))
        {
            return false;
        }

        uint type = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        int length = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        long payloadAt = at + RecordHeaderBytes;
        if (length < 0 || payloadAt + Pad(length) > window.Length) return false;

        ReadOnlySpan<byte> payload = window.Read(payloadAt, length);
        if (Checksum.Of(payload, _salt) != checksum) return false;

        next = payloadAt + Pad(length);
        visit(type, payload, payloadAt);
        return true;
    }

    private static long Pad(long length) => (length + Alignment - 1) & -Alignment;

    private static int ReadFully(SafeFileHandle handle, Span<byte> bytes, long offset)
    {
        int done = 0;
        while (done < bytes.Length && RandomAccess.Read(handle, bytes[done..], offset + done) is > 0 and int read) done += read;

        return done;
    }

    private sealed record EndMark(uint Salt, long End);
}
