using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Storage;

/// <summary>
/// The vector files of a store, <c>vectors/&lt;encoder&gt;-&lt;generation&gt;.f32</c>: of each encoder one that grows, until a compaction writes the
/// rows in use into a new generation. Generations are drawn at random, so that no record can mean a later file by chance. A file that the
/// catalog does not name is of no use and is removed by the next writer.
/// </summary>
internal sealed class VectorFolder(string store, StoreFiles files, bool write) : IDisposable
{
    private const string Extension = ".f32";

    private readonly string _folder = Path.Combine(store, "vectors");
    private readonly Dictionary<(string Encoder, long Generation), VectorFile?> _open = [];

    /// <summary>A file, or null where it is missing or damaged.</summary>
    public VectorFile? Find(string encoder, long generation)
    {
        if (!_open.TryGetValue((encoder, generation), out VectorFile? file))
            _open[(encoder, generation)] = file = VectorFile.Open(PathOf(encoder, generation), encoder, generation, write);

        return file;
    }

    /// <summary>Adds a document's rows to the encoder's newest file, or to a new one; they are on disk when this returns, so the record may follow.</summary>
    /// <param name="vectors">The embeddings.</param>
    /// <param name="generation">The encoder's newest generation in the catalog, or null.</param>
    public VectorRecord Append(StoredVectors vectors, long? generation)
    {
        float[] rows = VectorFile.Normalised(vectors.Values, vectors.Width);
        VectorFile? file = generation is null ? null : Find(vectors.Encoder, generation.Value);
        if (file is null || (rows.Length > 0 && file.Width != vectors.Width))
        {
            generation = Create(vectors.Encoder, vectors.Width, _ => { });
            file = Find(vectors.Encoder, generation.Value)!;
        }

        long first = file.Append(rows, files, out uint checksum);
        return new VectorRecord(vectors.Encoder, vectors.Document, generation!.Value, first, rows.Length / vectors.Width, checksum);
    }

    /// <summary>Copies the rows of sound records into files of a new generation, complete on disk when this returns; the records that name those instead.</summary>
    public List<VectorRecord> Rewrite(IEnumerable<VectorRecord> records)
    {
        var moved = new List<VectorRecord>();
        foreach (IGrouping<(string Encoder, int Width), VectorRecord> group in records.GroupBy(record => (record.Encoder, Find(record.Encoder, record.Generation)!.Width)))
        {
            var rows = new List<long>();
            long generation = Create(group.Key.Encoder, group.Key.Width, target =>
            {
                long row = 0;
                foreach (VectorRecord record in group)
                {
                    Find(record.Encoder, record.Generation)!.CopyTo(target, row, record.FirstRow, record.Count, files);
                    rows.Add(row);
                    row += record.Count;
                }
            });
            moved.AddRange(group.Zip(rows, (record, row) => record with { Generation = generation, FirstRow = row }));
        }

        return moved;
    }

    /// <summary>Bytes of all files; 0 where they may not be looked at.</summary>
    public long Bytes() => new DirectoryInfo(_folder) is { Exists: true } folder
        ? folder.EnumerateFiles("*" + Extension, new EnumerationOptions { AttributesToSkip = 0 }).Sum(file => file.Length)
        : 0;

    /// <summary>Removes the files that no record names; for the writer. One that another process has mapped stays where the system wants it so (Windows).</summary>
    public void Clean(IEnumerable<(string Encoder, long Generation)> live)
    {
        if (!Directory.Exists(_folder)) return;

        HashSet<string> kept = [.. live.Select(file => PathOf(file.Encoder, file.Generation))];
        foreach (string path in Directory.EnumerateFiles(_folder).Where(path => !kept.Contains(path)))
        {
            try
            {
                File.Delete(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Only space is lost, and the next writer tries again.
            }
        }
    }

    public void Dispose()
    {
        foreach (VectorFile? file in _open.Values) file?.Dispose();
    }

    private long Create(string encoder, int width, Action<SafeFileHandle> fill)
    {
        Directory.CreateDirectory(_folder);
        long generation = BinaryPrimitives.ReadUInt32LittleEndian(RandomNumberGenerator.GetBytes(4));
        files.Replace(PathOf(encoder, generation), target =>
        {
            files.Write(target, VectorFile.Header(encoder, generation, width), 0);
            fill(target);
        });
        return generation;
    }

    private string PathOf(string encoder, long generation) =>
        Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(encoder)))[..16]}-{generation:x8}{Extension}"));
}
