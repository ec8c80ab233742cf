using Kvasir.Documents.Retrieval;

namespace Kvasir.Documents.Catalog;

/// <content>Words and embeddings: what questions search.</content>
internal sealed partial class SqliteCatalog
{
    private readonly Dictionary<string, long> _encoders = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Encoders() => _database.Query("SELECT identity FROM encoder ORDER BY identity", row => row.GetString(0));

    public bool IsEmbedded(string path, string encoder) => Encoder(encoder) is long id && _database.Number("""
        SELECT 1 FROM file f JOIN document d ON d.file = f.id JOIN chunk c ON c.document = d.id
        WHERE f.path = ?1 AND d.place IS NOT NULL AND NOT EXISTS (SELECT 1 FROM embedding WHERE encoder = ?2 AND text = c.text) LIMIT 1
        """, path, id) is null;

    public float[]? Embedding(string encoder, long text) => Encoder(encoder) is long id
        ? _database.Query("SELECT vector FROM embedding WHERE encoder = ?1 AND text = ?2",
            row => EmbeddingRow.Read(text, row.GetFieldValue<byte[]>(0)), id, text).FirstOrDefault()
        : null;

    public void Embeddings(string encoder, EmbeddingVisitor visit)
    {
        if (Encoder(encoder) is not long id) return;
        _database.Visit("SELECT text, vector FROM embedding WHERE encoder = ?1 ORDER BY text", id, (text, blob) =>
        {
            if (EmbeddingRow.IsSound(text, blob)) visit(text, EmbeddingRow.Values(blob));
        });
    }

    public void Embed(string encoder, IReadOnlyList<(long Text, float[] Vector)> vectors) => _database.Atomically(() =>
    {
        if (Encoder(encoder) is null) _database.Run("INSERT INTO encoder (identity) VALUES (?1)", encoder);
        long id = Encoder(encoder)!.Value;
        foreach ((long text, float[] vector) in vectors)
            _database.Run("INSERT OR REPLACE INTO embedding VALUES (?1, ?2, ?3)", id, text, EmbeddingRow.Write(text, vector));
        return 0;
    });

    public long[] Texts(IReadOnlyCollection<string>? paths)
    {
        var texts = new List<long>();
        if (paths is null)
        {
            bool areAll = _database.Number("SELECT 1 FROM document WHERE place IS NULL LIMIT 1") is null;
            string finished = areAll ? "" : "WHERE document NOT IN (SELECT id FROM document WHERE place IS NULL)";
            _database.Visit($"SELECT DISTINCT text FROM chunk {finished} ORDER BY text", null, (text, _) => texts.Add(text));
        }

        foreach (string path in paths ?? [])
        {
            texts.AddRange(_database.Query("""
                SELECT c.text FROM file f JOIN document d ON d.file = f.id JOIN chunk c ON c.document = d.id WHERE f.path = ?1 AND d.place IS NOT NULL
                """, row => row.GetInt64(0), path));
        }

        return paths is null ? [.. texts] : [.. texts.Distinct().Order()];
    }

    public IReadOnlyList<TextPlace> Places(long text)
    {
        List<(string File, StoredDocument? Document, int Part, StoredChunk? Chunk)> places = _database.Query($"""
            SELECT f.path, {DocumentColumns}, {ChunkColumns}
            FROM chunk c LEFT JOIN text t ON t.id = c.text JOIN document d ON d.id = c.document JOIN file f ON f.id = d.file
            WHERE c.text = ?1 AND d.place IS NOT NULL ORDER BY f.path, d.place, c.part
            """, row => (row.GetString(0), ReadDocument(row, 1), row.GetInt32(10), ReadChunk(row, 9)), text);
        places.FindAll(place => place.Document is null || place.Chunk is null).ForEach(place => Tell(place.File));
        return [.. from place in places
                   where place is { Document: not null, Chunk: not null }
                   select new TextPlace(place.File, place.Document!, place.Part, place.Chunk!)];
    }

    public long[] TextsWith(string word, int most)
    {
        var texts = new List<long>();
        string sql = $"SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid LIMIT {most}";
        _database.Visit(sql, Quoted(word), (text, _) => texts.Add(text));
        return [.. texts];
    }

    public IReadOnlyList<(long, float)> Rank(IReadOnlyList<string> words, int most) => words.Count == 0 ? [] : _database.Query(
        "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ?1 ORDER BY rank LIMIT ?2",
        row => (row.GetInt64(0), (float)row.GetDouble(1)), string.Join(" OR ", words.Select(Quoted)), most);

    private static string Quoted(string word) => $"\"{Words.Spaced(word).Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private long? Encoder(string identity)
    {
        if (_encoders.TryGetValue(identity, out long known)) return known;
        long? id = _database.Number("SELECT id FROM encoder WHERE identity = ?1", identity);
        if (id is long found) _encoders[identity] = found;
        return id;
    }
}
