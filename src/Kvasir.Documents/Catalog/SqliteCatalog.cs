using System.Buffers.Binary;
using System.Security.Cryptography;
using Kvasir.Documents.Reading;
using Kvasir.Documents.Retrieval;
using Kvasir.Memory;
using Microsoft.Data.Sqlite;

namespace Kvasir.Documents.Catalog;

/// <summary>
/// The catalog in an SQLite database (<see cref="Schema"/>): files, documents, texts. Rows have checksums, because SQLite's pages have
/// none.
/// </summary>
internal sealed partial class SqliteCatalog : ICatalog
{
    /// <summary>Files with documents: a table that has lost rows is found out by it.</summary>
    private const string FileCount = "files";

    private const string FileRows = "SELECT path, length, changed, hash, documents, sum FROM file WHERE documents > 0",
        DocumentColumns = "d.id, d.name, d.title, d.hash, d.chunk_tokens, d.chunks, d.file, d.sum",
        ChunkColumns = "c.document, c.part, c.start, c.length, c.tokens, c.text, t.hash, t.content, c.sum";

    private readonly Database _database;
    private readonly StoreFiles _files;
    private readonly SortedSet<string> _lost = new(StringComparer.Ordinal);

    private SqliteCatalog(Database database, StoreFiles files) => (_database, _files) = (database, files);

    public (long, long) Version => (_database.Number("PRAGMA data_version")!.Value, _database.Number("SELECT total_changes()")!.Value);

    public (long, long) Bytes => _database.Number("SELECT total(length(vector)) FROM embedding") is long embeddings
        ? (_database.Number("PRAGMA page_count")!.Value * _database.Number("PRAGMA page_size")!.Value - embeddings, embeddings)
        : default;

    public long? KvQuota
    {
        get => Setting("quota");
        set => _database.Atomically(() => Set("quota", value), durable: true);
    }

    /// <summary>Opens the catalog in a file, or in memory; makes it where there is none.</summary>
    public static SqliteCatalog Open(string path, StoreFiles files)
    {
        Database database = Database.Open(path);
        try
        {
            Schema.Prepare(database);
            return new SqliteCatalog(database, files);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Opens a damaged catalog, which no one else may have open, to read what is left of it.</summary>
    public static SqliteCatalog OpenDamaged(string path) => new(Database.Open(path, alone: true), new StoreFiles());

    /// <summary>The greatest number of a file.</summary>
    public long LastFile => _database.Number("SELECT max(id) FROM file") ?? 0;

    public StoredFile? FileAt(long number) => ReadFiles(FileRows + " AND id = ?1", number).FirstOrDefault();

    /// <summary>Lets the database grow by so many pages at most, as on a disk without more room.</summary>
    public void Limit(int pages) => _database.Number($"PRAGMA max_page_count={_database.Number("PRAGMA page_count") + pages}");

    public T Reading<T>(Func<T> read) => _database.Reading(read);

    public IReadOnlyList<StoredFile> Files() => ReadFiles(FileRows + " ORDER BY path");

    public StoredFile? File(string path) => ReadFiles(FileRows + " AND path = ?1", path).FirstOrDefault();

    public (int, int, long, long) Count(string? path = null) => _database.Query("""
        SELECT count(DISTINCT d.id), count(*), total(c.tokens), total(octet_length(t.content))
        FROM document d JOIN chunk c ON c.document = d.id JOIN text t ON t.id = c.text
        WHERE d.place IS NOT NULL AND (?1 IS NULL OR d.file = (SELECT id FROM file WHERE path = ?1))
        """, row => (row.GetInt32(0), row.GetInt32(1), (long)row.GetDouble(2), (long)row.GetDouble(3)), path)[0];

    public IReadOnlyList<StoredDocument> Documents(string path, bool unfinished = false) => Sound(_database.Query(
        $"SELECT {DocumentColumns} FROM document d JOIN file f ON f.id = d.file WHERE f.path = ?1 AND (d.place IS NULL) = ?2 ORDER BY "
            + "d.place, d.id",
        row => ReadDocument(row, 0), path, unfinished ? 1 : 0), path);

    public IReadOnlyList<StoredChunk> Chunks(StoredDocument document) => Sound(
        _database.Query($"SELECT {ChunkColumns} FROM chunk c LEFT JOIN text t ON t.id = c.text WHERE c.document = ?1 ORDER BY c.part",
            row => ReadChunk(row, 0), document.Number),
        document.Number, document.Parts);

    public IReadOnlyList<string> Lost()
    {
        if (_database.Number($"""
            SELECT (SELECT total(documents) FROM file) = (SELECT count(*) FROM document WHERE place IS NOT NULL)
            AND (SELECT total(chunks) FROM document) = (SELECT count(*) FROM chunk)
            """) != 1)
        {
            _lost.UnionWith(_database.Query("""
                SELECT path FROM file f WHERE documents <> (SELECT count(*) FROM document WHERE file = f.id AND place IS NOT NULL)
                OR EXISTS (
                    SELECT 1 FROM document d WHERE d.file = f.id AND d.place IS NOT NULL AND d.chunks <> (SELECT count(*) FROM chunk WHERE document = d.id))
                """, row => Database.Printable(row.GetString(0))));
        }

        return [.. _lost];
    }

    public bool LacksRows() => (Setting(FileCount) ?? 0) != _database.Number("SELECT count(*) FROM file WHERE documents > 0")
        || _database.Number("SELECT count(*) FROM text") != _database.Number("SELECT count(*) FROM words_docsize");

    public StoredDocument Add(string path, DocumentContent content) => _database.Atomically(() =>
    {
        long file = _database.Number("SELECT id FROM file WHERE path = ?1", path)
            ?? _database.Number("INSERT INTO file VALUES (NULL, ?1, 0, 0, x'', 0, 0) RETURNING id", path)!.Value;
        long sum = Sum(file, content.Id, content.Title, content.ContentHash, content.ChunkTokens, content.Chunks.Length);
        long number = _database.Number("INSERT INTO document VALUES (NULL, ?1, NULL, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
            file, content.Id, content.Title, content.ContentHash, content.ChunkTokens, content.Chunks.Length, sum)!.Value;
        for (int part = 0; part < content.Chunks.Length; part++)
        {
            ChunkContent chunk = content.Chunks[part];
            long text = AddText(file, content.Title, chunk.Text, out byte[] hash);
            long chunkSum = Sum(number, part, chunk.Start, chunk.Length, chunk.Tokens, text, hash);
            _database.Run("INSERT OR REPLACE INTO chunk VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                number, part, chunk.Start, chunk.Length, chunk.Tokens, text, chunkSum);
        }

        return new StoredDocument(number, content.Id, content.Title, content.ContentHash, content.ChunkTokens, content.Chunks.Length);
    });

    public void Commit(StoredFile file, IReadOnlyList<StoredDocument> documents) => _database.Atomically(() =>
    {
        if (documents.Count == 0) return Drop(file.Path);
        long id = _database.Number("SELECT id FROM file WHERE path = ?1", file.Path)!.Value;
        bool isNew = _database.Number("SELECT documents FROM file WHERE id = ?1", id) == 0;
        _database.Run("UPDATE document SET place = NULL WHERE file = ?1 AND place IS NOT NULL", id);
        for (int i = 0; i < documents.Count; i++) _database.Run("UPDATE document SET place = ?2 WHERE id = ?1", documents[i].Number, i);
        _database.Run("DELETE FROM document WHERE file = ?1 AND place IS NULL", id);
        long sum = Sum(file.Path, file.Length, file.ChangedTicks, file.Hash, documents.Count);
        _database.Run("UPDATE file SET length = ?2, changed = ?3, hash = ?4, documents = ?5, sum = ?6 WHERE id = ?1",
            id, file.Length, file.ChangedTicks, file.Hash, documents.Count, sum);
        return isNew ? Set(FileCount, (Setting(FileCount) ?? 0) + 1) : 0;
    }, durable: true);

    public void Sweep(bool unfinished)
    {
        _database.Atomically(() =>
        {
            if (unfinished)
            {
                _database.Run("DELETE FROM document WHERE place IS NULL");
                _database.Run("DELETE FROM file WHERE documents = 0");
            }

            _database.Run("DELETE FROM text WHERE id IN (SELECT id FROM text EXCEPT SELECT text FROM chunk)");
            return 0;
        });
        _database.Query("PRAGMA incremental_vacuum", _ => 0);
    }

    public bool HasKv(string name) => _database.Number("SELECT 1 FROM text WHERE kv = ?1 LIMIT 1", Convert.FromHexString(name)) == 1;

    public IReadOnlyList<KvDescription> Shelves() => _database.Query("SELECT * FROM shelf ORDER BY name", row =>
    {
        int[] prefix = MemoryMarshal.Cast<byte, int>(row.GetFieldValue<byte[]>(5)).ToArray();
        var key = new KvKey(row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), prefix);
        var shelf = new KvDescription(key) { MeasuredTokens = row.GetInt64(6), MeasuredSeconds = row.GetDouble(7) };
        if (SumOf(shelf) == row.GetInt64(8)) return shelf;
        string model = Database.Printable(shelf.Key.Model);
        _files.Warn($"{_database.Path} is damaged: how fast {model} computes is not known", StoreMend.IngestAll);
        return null;
    }).OfType<KvDescription>().ToList();

    public void Describe(KvDescription shelf)
    {
        byte[] prefix = MemoryMarshal.AsBytes<int>(shelf.Key.PrefixIds.ToArray()).ToArray();
        _database.Run("INSERT OR REPLACE INTO shelf VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", shelf.Key.FolderName(), shelf.Key.Model,
            shelf.Key.ModelIdentity, shelf.Key.TokenizerIdentity, shelf.Key.Policy, prefix, shelf.MeasuredTokens, shelf.MeasuredSeconds,
                SumOf(shelf));
    }

    public void Forget(KvDescription shelf) => _database.Run("DELETE FROM shelf WHERE name = ?1", shelf.Key.FolderName());

    public (IReadOnlyList<string>, int) Verify()
    {
        List<string> problems = _database.Query("PRAGMA integrity_check(20)", row => row.GetString(0)).FindAll(line => line != "ok");
        foreach (StoredDocument document in Files().SelectMany(file => Documents(file.Path, unfinished: false))) Chunks(document);
        var damaged = new HashSet<long>();
        foreach (long encoder in _database.Query("SELECT id FROM encoder", row => row.GetInt64(0)))
        {
            _database.Visit("SELECT text, vector FROM embedding WHERE encoder = ?1", encoder, (text, blob) =>
            {
                if (!EmbeddingRow.IsSound(text, blob)) damaged.Add(text);
            });
        }

        problems.AddRange(Lost());
        if (LacksRows()) problems.Add("rows are missing");
        return ([.. problems.Select(Database.Printable)],
            damaged.SelectMany(Places).Select(place => place.Document.Number).Distinct().Count());
    }

    public void Backup(string path) => _database.Run("VACUUM INTO ?1", path);

    public void Dispose() => _database.Dispose();

    /// <summary>
    /// The number of a text, which is added where it is not known; one that no other file has is then found under the given title.
    /// </summary>
    private long AddText(long file, string title, string content, out byte[] hash)
    {
        hash = SHA256.HashData(Encoding.UTF8.GetBytes(content));
        List<(long Id, string Title, string Content)> there = _database.Query(
            "SELECT id, title, content FROM text WHERE hash = ?1", row => (row.GetInt64(0), row.GetString(1), row.GetString(2)), hash);
        if (there is [var known, ..])
        {
            bool isSame = Words.IndexedText(known.Title, known.Content) == Words.IndexedText(title, content);
            bool isOthers = _database.Number(
                "SELECT 1 FROM chunk c JOIN document d ON d.id = c.document WHERE c.text = ?1 AND d.file <> ?2 LIMIT 1", known.Id,
                    file) is not null;
            if (isSame || (isOthers && known.Content == content)) return known.Id;
            _database.Run("UPDATE text SET title = ?2, content = ?3 WHERE id = ?1", known.Id, title, content);
            _database.Run("DELETE FROM embedding WHERE encoder IN (SELECT id FROM encoder) AND text = ?1", known.Id);
            return Index(known.Id, title, content);
        }

        byte[] kv = Convert.FromHexString(StoredChunk.KvNameOf(content));
        return Index(_database.Number("INSERT INTO text VALUES (NULL, ?1, ?2, ?3, ?4) RETURNING id", hash, kv, title, content)!.Value,
            title, content);
    }

    private long Index(long text, string title, string content)
    {
        string indexed = Words.Spaced(Words.IndexedText(title, PictureMark.Shown(content)));
        _database.Run("INSERT OR REPLACE INTO words (rowid, content) VALUES (?1, ?2)", text, indexed);
        return text;
    }

    private int Drop(string path)
    {
        bool counts = _database.Number("SELECT documents FROM file WHERE path = ?1", path) > 0;
        _database.Run("DELETE FROM file WHERE path = ?1", path);
        return counts ? Set(FileCount, (Setting(FileCount) ?? 1) - 1) : 0;
    }

    private long? Setting(string name)
    {
        if (_database.Number("SELECT value FROM setting WHERE name = ?1", name) is not long value) return null;
        if (_database.Number("SELECT sum FROM setting WHERE name = ?1", name) == Sum(name, value)) return value;
        _files.Warn($"{_database.Path} is damaged: the setting '{name}' is lost", name == "quota" ? StoreMend.SetQuota : StoreMend.Repair);
        return null;
    }

    private int Set(string name, long? value)
    {
        if (value is long number) _database.Run("INSERT OR REPLACE INTO setting VALUES (?1, ?2, ?3)", name, number, Sum(name, number));
        else _database.Run("DELETE FROM setting WHERE name = ?1", name);
        return 0;
    }

    private List<StoredFile> ReadFiles(string sql, params ReadOnlySpan<object?> values) => _database.Query(sql, row =>
    {
        var file = new StoredFile
        {
            Path = row.GetString(0),
            Length = row.GetInt64(1),
            ChangedTicks = row.GetInt64(2),
            Hash = row.GetFieldValue<byte[]>(3),
            Documents = row.GetInt32(4),
        };
        if (Sum(file.Path, file.Length, file.ChangedTicks, file.Hash, file.Documents) == row.GetInt64(5)) return file;
        Tell(file.Path);
        return null;
    }, values).OfType<StoredFile>().ToList();

    /// <summary>
    /// A document from <see cref="DocumentColumns"/>, which begin at column <paramref name="at"/>; null where they are damaged.
    /// </summary>
    private static StoredDocument? ReadDocument(SqliteDataReader row, int at)
    {
        string? id = row.IsDBNull(at + 1) ? null : row.GetString(at + 1);
        byte[] hash = row.GetFieldValue<byte[]>(at + 3);
        var document = new StoredDocument(row.GetInt64(at), id, row.GetString(at + 2), hash, row.GetInt32(at + 4), row.GetInt32(at + 5));
        return Sum(row.GetInt64(at + 6), id, document.Title, hash, document.ChunkTokens, document.Parts) == row.GetInt64(at + 7)
            ? document : null;
    }

    /// <summary>The same of <see cref="ChunkColumns"/>.</summary>
    private static StoredChunk? ReadChunk(SqliteDataReader row, int at)
    {
        if (row.IsDBNull(at + 6)) return null;
        string text = row.GetString(at + 7);
        byte[] hash = row.GetFieldValue<byte[]>(at + 6);
        var chunk = new StoredChunk(row.GetInt64(at + 5), row.GetInt32(at + 2), row.GetInt32(at + 3), row.GetInt32(at + 4), text);
        long sum = Sum(row.GetInt64(at), row.GetInt64(at + 1), chunk.Start, chunk.Length, chunk.Tokens, chunk.TextId, hash);
        return sum == row.GetInt64(at + 8) && SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan().SequenceEqual(hash) ? chunk : null;
    }

    private List<T> Sound<T>(List<T?> rows, string path) where T : class
    {
        if (rows.Contains(null)) Tell(path);
        return rows.OfType<T>().ToList();
    }

    private List<StoredChunk> Sound(List<StoredChunk?> rows, long document, int count)
    {
        if (rows.Contains(null) || rows.Count != count)
            _database.Query("SELECT path FROM file WHERE id = (SELECT file FROM document WHERE id = ?1)", row => row.GetString(0), document)
                .ForEach(Tell);
        return rows.OfType<StoredChunk>().ToList();
    }

    private void Tell(string path)
    {
        string shown = Database.Printable(path);
        _lost.Add(shown);
        _files.Warn(StoreWarning.Lost($"{_database.Path} is damaged: documents are lost of {shown}", [path], StoreMend.Repair));
    }

    private static long SumOf(KvDescription shelf) =>
        Sum(shelf.Key.Model, shelf.Key.FolderName(), shelf.MeasuredTokens, BitConverter.DoubleToInt64Bits(shelf.MeasuredSeconds));

    /// <summary>CRC-32C of some values, each with its length.</summary>
    private static long Sum(params ReadOnlySpan<object?> values)
    {
        uint sum = 0;
        Span<byte> number = stackalloc byte[sizeof(long)];
        foreach (object? value in values)
        {
            byte[] bytes = value as byte[] ?? (value is string text ? Encoding.UTF8.GetBytes(text) : []);
            long head = value switch { long big => big, int small => small, null => -1, _ => bytes.Length };
            BinaryPrimitives.WriteInt64LittleEndian(number, head);
            sum = Checksum.Of(bytes, Checksum.Of(number, sum));
        }

        return sum;
    }
}
