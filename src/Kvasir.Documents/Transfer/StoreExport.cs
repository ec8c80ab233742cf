using System.IO.Compression;
using System.Security.Cryptography;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Transfer;

/// <summary>
/// Writes stored files with their texts, embeddings and KV as one archive (<see cref="ExportManifest"/>). Equal content gives equal bytes.
/// </summary>
internal sealed class StoreExport : IDisposable
{
    private static readonly DateTimeOffset NoTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ICatalog _catalog;
    private readonly ZipArchive _zip;
    private readonly Action<long> _report;
    private readonly CancellationToken _cancellation;
    private readonly List<ExportedEntry> _entries = [];
    private long _bytes;

    /// <param name="catalog">The store's catalog.</param>
    /// <param name="output">Where the archive is written.</param>
    /// <param name="report">Told the bytes written so far.</param>
    /// <param name="cancellation">Stops between entries.</param>
    public StoreExport(ICatalog catalog, Stream output, Action<long> report, CancellationToken cancellation)
    {
        _catalog = catalog;
        _zip = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true);
        _report = report;
        _cancellation = cancellation;
    }

    /// <summary>The shelves of a store that the options ask for.</summary>
    /// <exception cref="InvalidInputException">There is no such shelf, or it does not say what it is of.</exception>
    public static List<KvShelf> Shelves(DocumentStore store, ExportOptions options)
    {
        List<KvKey> all = [.. store.Catalog.Shelves().Select(shelf => shelf.Key)], chosen = [.. all.Where(shelf => Fits(shelf, options))];
        if (chosen.Count == 0 && (options.Model ?? options.Policy?.ToString()) is not null)
        {
            string there = all.Count == 0 ? "none" : string.Join("; ", all.Select(shelf => $"{shelf.Model} as {shelf.Policy}"));
            throw new InvalidInputException(
                $"{store.Folder}: no KV of {options.Model ?? "any model"}{(options.Policy is { } policy ? $" kept as {policy}" : "")} "
                + $"(there is: {there})");
        }

        return [.. chosen.Select(key => new KvShelf(store, key))];
    }

    /// <summary>Writes everything, the manifest last.</summary>
    public ExportReport Run(string root, IReadOnlyList<StoredFile> files, IReadOnlyList<KvShelf> shelves, byte[]? key)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        int documents = 0, chunks = 0;
        for (int i = 0; i < files.Count; i++)
        {
            List<(StoredDocument Document, IReadOnlyList<StoredChunk> Chunks)> ofFile =
                [.. _catalog.Documents(files[i].Path).Select(document => (document, _catalog.Chunks(document)))];
            AddContent(i, ofFile);
            documents += ofFile.Count;
            chunks += ofFile.Sum(document => document.Chunks.Count);
            names.UnionWith(ofFile.SelectMany(document => document.Chunks).Select(chunk => chunk.KvName));
        }

        List<(KvKey Key, StoredKvInfo Kv)> kv =
            [.. shelves.Select(shelf => (shelf.Description.Key, AddKv(shelf, names))).Where(shelf => shelf.Item2.Chunks > 0)];
        var manifest = new ExportManifest(
            ExportManifest.FormatName, ExportManifest.CurrentVersion, root, [.. kv.Select(shelf => shelf.Key)],
            [.. files.Select(file => new ExportedFile(file.Path, file.Length, Math.Abs(file.ChangedTicks), file.Hash))], [.. _entries]);
        byte[] json = manifest.Write();
        Add(ExportManifest.Name, json);
        Add(ExportManifest.ChecksumName, SHA256.HashData(json));
        if (key is not null) Add(ExportManifest.SignatureName, HMACSHA256.HashData(key, json));
        return new ExportReport(files.Count, documents, chunks, [.. kv.Select(shelf => shelf.Kv)], 0);
    }

    public void Dispose() => _zip.Dispose();

    private void AddContent(int file, List<(StoredDocument Document, IReadOnlyList<StoredChunk> Chunks)> documents)
    {
        List<(string Encoder, float[][] Rows)> embedded =
            [.. _catalog.Encoders().Select(encoder => (encoder, EmbeddedWhole(encoder, documents.SelectMany(document => document.Chunks))))
                .Where(rows => rows.Item2.Length > 0)];
        DocumentContent[] exported = [.. documents.Select(document => DocumentContent.Of(document.Document, document.Chunks))];
        Add(ExportManifest.ContentName(file),
            new ExportedContent(exported, [.. embedded.Select(vectors => new ExportedVectors(vectors.Encoder, vectors.Rows[0].Length))])
            .Write());
        for (int encoder = 0; encoder < embedded.Count; encoder++)
            Add(ExportManifest.VectorsName(file, encoder),
                MemoryMarshal.AsBytes<float>(embedded[encoder].Rows.SelectMany(row => row).ToArray()).ToArray());
    }

    /// <summary>The embeddings of chunks, one after another, where the encoder has embedded all of them; else none.</summary>
    private float[][] EmbeddedWhole(string encoder, IEnumerable<StoredChunk> chunks)
    {
        float[]?[] rows = [.. chunks.Select(chunk => _catalog.Embedding(encoder, chunk.TextId))];
        return rows.Contains(null) ? [] : [.. rows.OfType<float[]>()];
    }

    private StoredKvInfo AddKv(KvShelf shelf, HashSet<string> names)
    {
        KvKey key = shelf.Description.Key;
        string[] there = [.. shelf.Names().Where(names.Contains).Order(StringComparer.Ordinal)];
        int chunks = 0;
        long bytes = 0;
        foreach (string name in there.Length == 0 ? there : [.. there, KvShelf.PrefixName])
        {
            _cancellation.ThrowIfCancellationRequested();
            if (TryOpen(shelf.PathOf(name)) is not { } file) continue;
            using (file)
            {
                bytes += Add(ExportManifest.KvName(key.FolderName(), name), file);
                chunks += name == KvShelf.PrefixName ? 0 : 1;
            }
        }

        return new StoredKvInfo(key.Model, key.ModelIdentity, key.Policy, chunks, bytes, null);
    }

    /// <summary>
    /// Null where the file has just been removed, or there is no prefix: what is missing is computed where it is asked for.
    /// </summary>
    private static FileStream? TryOpen(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private void Add(string name, byte[] content) => Add(name, new MemoryStream(content));

    private long Add(string name, Stream content)
    {
        ZipArchiveEntry entry = _zip.CreateEntry(name, CompressionLevel.NoCompression);
        entry.LastWriteTime = NoTime;
        using Stream output = entry.Open();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 16];
        long bytes = 0;
        int read;
        while ((read = content.Read(buffer)) > 0)
        {
            output.Write(buffer, 0, read);
            hash.AppendData(buffer, 0, read);
            bytes += read;
        }

        _entries.Add(new ExportedEntry(name, bytes, hash.GetHashAndReset()));
        _report(_bytes += bytes);
        return bytes;
    }

    private static bool Fits(KvKey shelf, ExportOptions options)
    {
        bool model = options.Model is not { } wanted || wanted.Equals(shelf.Model, StringComparison.OrdinalIgnoreCase)
            || wanted.Equals(Path.GetFileNameWithoutExtension(shelf.Model), StringComparison.OrdinalIgnoreCase)
                || (wanted.Length >= 8 && shelf.ModelIdentity.StartsWith(wanted, StringComparison.Ordinal));
        return model && (options.Policy is not { } policy || policy.ToString() == shelf.Policy);
    }
}
