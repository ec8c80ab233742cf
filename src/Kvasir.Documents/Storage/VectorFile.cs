using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Security.Cryptography;
using Kvasir.Documents.Retrieval;
using Kvasir.Memory;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Storage;

/// <summary>
/// An append-only file of the embeddings of one encoder: a header of 64 bytes, then rows of <see cref="Width"/> floats of length 1 (or all 0).
/// What it holds is never changed and never cut off, so that readers may keep it mapped; which rows are in use is for the catalog to say.
/// Header: magic, version, width, SHA-256 of the encoder's identity, generation, 0, CRC-32C of all this.
/// </summary>
internal sealed class VectorFile : IVectorRows, IDisposable
{
    private const ulong Magic = 0x01_46_45_43_56_41_56_4B;
    private const int Version = 1, HeaderBytes = 64;

    /// <summary>How far rounding may leave the length of a row from 1; a cosine differs by no more.</summary>
    private const float UnitTolerance = 1e-5f;

    private readonly SafeFileHandle _handle;
    private MappedFile? _mapped;

    private VectorFile(SafeFileHandle handle, string path, int width)
    {
        _handle = handle;
        Path = path;
        Width = width;
        Rows = (RandomAccess.GetLength(handle) - HeaderBytes) / RowBytes;
    }

    public string Path { get; }

    /// <summary>Floats in a row.</summary>
    public int Width { get; }

    /// <summary>Whole rows in the file when it was opened, and those appended since.</summary>
    public long Rows { get; private set; }

    private long RowBytes => 4L * Width;

    /// <summary>The header of a file without rows.</summary>
    public static byte[] Header(string encoder, long generation, int width)
    {
        byte[] header = new byte[HeaderBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), width);
        SHA256.HashData(Encoding.UTF8.GetBytes(encoder), header.AsSpan(16, 32));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(48), generation);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(60), Checksum.Of(header.AsSpan(0, 60)));
        return header;
    }

    /// <summary>Opens a file, or null where it is missing, damaged, or not what it should be.</summary>
    public static VectorFile? Open(string path, string encoder, long generation, bool write)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, write ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Span<byte> header = stackalloc byte[HeaderBytes];
            int width = RandomAccess.Read(handle, header, 0) == HeaderBytes ? BinaryPrimitives.ReadInt32LittleEndian(header[12..]) : 0;
            if (width > 0 && header.SequenceEqual(Header(encoder, generation, width))) return new VectorFile(handle, path, width);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Missing, gone with a compaction, or not to be read: the catalog that refers to it is as good as without vectors.
        }

        handle?.Dispose();
        return null;
    }

    /// <summary>Rows [first, first + count) in mapped memory, [count, width], valid until the next call; they must lie in the file. It is mapped anew when it has grown.</summary>
    public ReadOnlySpan<float> Read(long first, int count)
    {
        long offset = HeaderBytes + first * RowBytes;
        int length = checked((int)(count * RowBytes));
        if (_mapped is null || offset + length > _mapped.Length)
        {
            _mapped?.Dispose();
            _mapped = MappedFile.Open(_handle, Path);
        }

        return MemoryMarshal.Cast<byte, float>(_mapped.Slice(offset, length));
    }

    /// <summary>Whether the rows lie in the file and are those that were written.</summary>
    public bool Holds(long first, int count, uint checksum) =>
        first >= 0 && count >= 0 && first <= Rows - count && Checksum.Of(MemoryMarshal.AsBytes(Read(first, count))) == checksum;

    /// <summary>Adds rows behind the last, flushed to disk when this returns; the first one's number. A torn end is passed over, never cut off.</summary>
    public long Append(ReadOnlySpan<float> rows, StoreFiles files, out uint checksum)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(rows);
        checksum = Checksum.Of(bytes);
        long first = Math.Max(Rows, (RandomAccess.GetLength(_handle) - HeaderBytes + RowBytes - 1) / RowBytes);
        files.Write(_handle, bytes, HeaderBytes + first * RowBytes);
        files.Flush(_handle);
        Rows = first + rows.Length / Width;
        return first;
    }

    /// <summary>Copies rows into another file as its rows from <paramref name="to"/> on.</summary>
    public void CopyTo(SafeFileHandle target, long to, long first, int count, StoreFiles files) =>
        files.Write(target, MemoryMarshal.AsBytes(Read(first, count)), HeaderBytes + to * RowBytes);

    /// <summary>
    /// Rows as they are stored: each divided by its length, unless that is 1 already, so that stored rows are stored again as they are; one without
    /// a finite length becomes 0, which no question resembles.
    /// </summary>
    public static float[] Normalised(ReadOnlySpan<float> rows, int width)
    {
        float[] result = rows.ToArray();
        for (int at = 0; at + width <= result.Length; at += width)
        {
            Span<float> row = result.AsSpan(at, width);
            float norm = TensorPrimitives.Norm(row);
            if (!float.IsFinite(norm) || norm == 0) row.Clear();
            else if (Math.Abs(norm - 1) > UnitTolerance) TensorPrimitives.Divide(row, norm, row);
        }

        return result;
    }

    public void Dispose()
    {
        _mapped?.Dispose();
        _handle.Dispose();
    }
}
