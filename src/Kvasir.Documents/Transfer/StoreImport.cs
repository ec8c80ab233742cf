using Kvasir.Documents.Catalog;
using Kvasir.Documents.Storage;
using Kvasir.Memory;

namespace Kvasir.Documents.Transfer;

/// <summary>
/// Takes an exported archive into a store. All of it is checked before anything is written; then KV files appear under their names when
/// they are whole, documents and embeddings follow, and last the record of each file, as in an ingest: interrupted at any point, the store
/// is sound.
/// </summary>
internal sealed class StoreImport(
    DocumentStore store, ExportArchive archive, string? newRoot, Action<long> report, CancellationToken cancellation)
{
    private readonly Dictionary<string, KvKey> _shelves = new(StringComparer.Ordinal);
    private readonly List<(ExportedEntry Entry, string Shelf, string Name)> _kv = [];
    private int _documents, _chunks, _changed, _kvFiles, _leftOut;
    private long _kvBytes, _done;

    public ImportReport Run()
    {
        Check();
        using StoreWriter writer = store.Write();
        foreach (IGrouping<string, (ExportedEntry Entry, string Shelf, string Name)> shelf in _kv.GroupBy(entry => entry.Shelf))
            CopyKv(new KvShelf(store, _shelves[shelf.Key]), shelf, writer.Quota);

        for (int file = 0; file < archive.Manifest.Files.Length; file++)
        {
            cancellation.ThrowIfCancellationRequested();
            Add(writer, file);
        }

        writer.Finish();
        return new ImportReport(archive.Manifest.Files.Length, _changed, _documents, _chunks, _kvFiles, _kvBytes,
            archive.IsSigned)
        { KvFilesLeftOut = _leftOut };
    }

    /// <summary>
    /// Reads the whole archive: checksums, documents, embeddings, and that every KV file belongs to one of its chunks and shelves.
    /// </summary>
    private void Check()
    {
        ExportManifest manifest = archive.Manifest;
        archive.Verify(bytes => report(_done = bytes), cancellation);
        HashSet<string> chunks = [KvShelf.PrefixName], known = new(StringComparer.Ordinal);
        for (int file = 0; file < manifest.Files.Length; file++)
        {
            _ = NewPath(manifest.Files[file].Path);
            ExportedContent content = Content(file);
            known.Add(ExportManifest.ContentName(file));
            for (int encoder = 0; encoder < content.Vectors.Length; encoder++)
            {
                known.Add(ExportManifest.VectorsName(file, encoder));
                Vectors(file, encoder, content);
            }

            chunks.UnionWith(content.Documents.SelectMany(document => document.Chunks).Select(KvName));
        }

        foreach (KvKey key in manifest.Shelves) _shelves[key.FolderName()] = key;
        foreach (ExportedEntry entry in manifest.Entries.Where(entry => !known.Contains(entry.Name)))
        {
            // A name is made of what it must be made of and compared: no part of an archive's name ever becomes a path.
            string[] parts = entry.Name.Split('/');
            string name = Path.GetFileNameWithoutExtension(parts[^1]);
            if (parts.Length != 3 || !_shelves.ContainsKey(parts[1]) || !chunks.Contains(name)
                || entry.Name != ExportManifest.KvName(parts[1], name))
                throw archive.Refused("it holds KV of no document, or something else");

            _kv.Add((entry, parts[1], name));
        }
    }

    private void CopyKv(KvShelf shelf, IEnumerable<(ExportedEntry Entry, string Shelf, string Name)> entries, FileQuota quota)
    {
        shelf.Prepare();
        foreach ((ExportedEntry entry, _, string name) in entries)
        {
            cancellation.ThrowIfCancellationRequested();
            string path = shelf.PathOf(name);
            if (File.Exists(path)) continue;
            if (name != KvShelf.PrefixName && !quota.TryReserve(entry.Bytes, evict: true))
            {
                _leftOut++;
                continue;
            }

            long at = 0;
            store.FileAccess.Replace(path, file => archive.Read(entry.Name, piece =>
            {
                store.FileAccess.Write(file, piece, at);
                at += piece.Length;
            }));
            _kvFiles++;
            _kvBytes += at;
            report(_done += at);
        }
    }

    private void Add(StoreWriter writer, int file)
    {
        ExportedFile exported = archive.Manifest.Files[file];
        ExportedContent content = Content(file);
        string path = NewPath(exported.Path);
        List<StoredDocument> stored = [.. content.Documents.Select(document => Find(path, document) ?? store.Catalog.Add(path, document))];
        for (int encoder = 0; encoder < content.Vectors.Length; encoder++)
            AddVectors(stored, content.Vectors[encoder], Vectors(file, encoder, content));
        _documents += stored.Count;
        _chunks += content.ChunkCount;
        if (stored.Count > 0
            && (store.Catalog.File(path) is null
            || !store.Catalog.Documents(path).Select(document => document.Number)
            .SequenceEqual(stored.Select(document => document.Number))))
        {
            writer.Commit(
                new StoredFile
                {
                    Path = path,
                    Length = exported.Length,
                    ChangedTicks = -(exported.ChangedTicks & long.MaxValue),
                    Hash = exported.Hash
                }, stored);
            _changed++;
        }
    }

    /// <summary>The same document, cut the same way: other tokenizers cut in other places.</summary>
    private StoredDocument? Find(string path, DocumentContent document) =>
        store.Catalog.Documents(path).Concat(store.Catalog.Documents(path, unfinished: true))
            .LastOrDefault(known => known.Is(document.Id, document.ContentHash, document.ChunkTokens)
            && store.Catalog.Chunks(known).Select(chunk => chunk.KvName)
                .SequenceEqual(document.Chunks.Select(KvName), StringComparer.Ordinal));

    private void AddVectors(List<StoredDocument> stored, ExportedVectors vectors, float[] values)
    {
        IEnumerable<(long Text, float[] Vector)> rows = stored.SelectMany(store.Catalog.Chunks)
            .Select((chunk, i) => (chunk.TextId, values.AsSpan(i * vectors.Width, vectors.Width).ToArray()));
        if (rows.Where(row => store.Catalog.Embedding(vectors.Encoder, row.Text) is null).ToList() is { Count: > 0 } missing)
            store.Catalog.Embed(vectors.Encoder, missing);
    }

    private ExportedContent Content(int file)
    {
        try
        {
            return ExportedContent.Read(archive.Read(ExportManifest.ContentName(file)));
        }
        catch (InvalidDataException error)
        {
            throw archive.Refused(error.Message);
        }
    }

    private float[] Vectors(int file, int encoder, ExportedContent content)
    {
        byte[] bytes = archive.Read(ExportManifest.VectorsName(file, encoder));
        return bytes.Length == sizeof(float) * (long)content.Vectors[encoder].Width * content.ChunkCount
            ? MemoryMarshal.Cast<byte, float>(bytes).ToArray()
            : throw archive.Refused($"{ExportManifest.VectorsName(file, encoder)} does not fit its documents");
    }

    private static string KvName(ChunkContent chunk) => StoredChunk.KvNameOf(chunk.Text);

    /// <summary>A path under the new root where one is given; it must not lead out of it.</summary>
    private string NewPath(string path)
    {
        if (newRoot is null) return path;
        string root = archive.Manifest.Root, full = Path.GetFullPath(newRoot);
        if (!path.StartsWith(root, StringComparison.Ordinal)) throw archive.Refused($"{path} is not under {root}");
        string moved = Path.GetFullPath(Path.Join(full, path[root.Length..].Replace('\\', '/').TrimStart('/')));
        return new PathScope([full]).Contains(Path.TrimEndingDirectorySeparator(moved))
            ? Path.TrimEndingDirectorySeparator(moved) : throw archive.Refused($"{path} leads out of {root}");
    }
}
