namespace Kvasir.Documents.Storage;

/// <summary>
/// What a store holds, read from its log: files, their documents with chunks, and where in the log and the vector files texts, terms and
/// embeddings stand. Documents count only through the file that lists them; those of an interrupted ingest wait unlisted until it is taken up again.
/// </summary>
internal sealed class Catalog : IDisposable
{
    private const long LeastWasteToCompact = 1 << 20;

    private readonly RecordLog _log;
    private readonly Dictionary<string, StoredFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<long, StoredDocument> _documents = [];
    private readonly VectorFolder _vectorFiles;
    private readonly Dictionary<long, List<VectorRecord>> _vectors = [];
    private readonly Dictionary<string, long> _newestVectors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<StoredDocument>> _byFile = new(StringComparer.Ordinal);
    private long _lastNumber;

    private Catalog(RecordLog log, VectorFolder vectorFiles)
    {
        _log = log;
        _vectorFiles = vectorFiles;
        _log.Read(Apply);
    }

    /// <summary>Opens the log of a store for reading, or for the one writer.</summary>
    public static Catalog Open(string path, StoreFiles files, bool write)
    {
        RecordLog log = RecordLog.Open(path, files, write);
        try
        {
            var catalog = new Catalog(log, new VectorFolder(Path.GetDirectoryName(path)!, files, write));
            if (write)
            {
                log.CutTornEnd();
                catalog._vectorFiles.Clean(catalog.VectorRecords().Select(record => (record.Encoder, record.Generation)));
            }
            else catalog.MapVectors();

            return catalog;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>The files whose documents are all there, by path.</summary>
    public IEnumerable<StoredFile> Files => _files.Values.Where(IsWhole).OrderBy(file => file.Path, StringComparer.Ordinal);

    /// <summary>Those, and the files that have lost documents.</summary>
    public IEnumerable<StoredFile> AllFiles => _files.Values;

    /// <summary>All documents, those of unfinished files included.</summary>
    public IEnumerable<StoredDocument> AllDocuments => _documents.Values;

    /// <summary>Damaged records that were passed over.</summary>
    public int Damaged => _log.Damaged;

    /// <summary>Files of which something is lost: a document that they list; or, where records are damaged, perhaps their own record.</summary>
    public IReadOnlyList<string> LostFiles => [.. _files.Values.Where(file => !IsWhole(file)).Select(file => file.Path)
        .Union(_byFile.Where(file => Damaged > 0 && file.Value.Any(document => _files.GetValueOrDefault(file.Key)?.Documents.Contains(document.Number) != true)).Select(file => file.Key))
        .Order(StringComparer.Ordinal)];

    /// <summary>Bytes of sound records.</summary>
    public long Bytes => _log.End;

    /// <summary>Bytes of the vector files.</summary>
    public long VectorBytes => _vectorFiles.Bytes();

    /// <summary>Whether a vector file that a record names is not there: lost, or compacted away while this catalog was being opened.</summary>
    public bool LacksVectorFile => VectorRecords().Any(record => _vectorFiles.Find(record.Encoder, record.Generation) is null);

    public StoredFile? File(string path) => _files.TryGetValue(path, out StoredFile? file) && IsWhole(file) ? file : null;

    /// <summary>The documents of a file; of one that is not whole those that are left.</summary>
    public IEnumerable<StoredDocument> DocumentsOf(StoredFile file) => file.Documents.Where(_documents.ContainsKey).Select(number => _documents[number]);

    /// <summary>The documents that were stored for a file before, finished or not, as they are now.</summary>
    public IReadOnlyList<StoredDocument> StoredFor(string file) => _byFile.TryGetValue(file, out List<StoredDocument>? documents) ? [.. documents] : [];

    /// <summary>
    /// Where the embeddings of a document's chunks stand, or null where there are none: no record, or rows that are not in the file or not those that
    /// were written.
    /// </summary>
    public VectorRecord? Vectors(string encoder, StoredDocument document) =>
        VectorRecords(document).FirstOrDefault(record => record.Encoder == encoder && record.Count == document.Chunks.Length && IsSound(record));

    /// <summary>The embeddings of a document, by every encoder that has embedded all of its chunks.</summary>
    public IEnumerable<StoredVectors> AllVectors(StoredDocument document) =>
        from record in VectorRecords(document)
        where IsSound(record) && record.Count == document.Chunks.Length
        let rows = VectorRows(record)
        select new StoredVectors(record.Encoder, document.Number, rows.Width, rows.Read(record.FirstRow, record.Count).ToArray());

    /// <summary>The rows of a record that <see cref="Vectors"/> gave.</summary>
    public VectorFile VectorRows(VectorRecord record) => _vectorFiles.Find(record.Encoder, record.Generation)!;

    /// <summary>Listed documents whose stored embeddings are lost or are not those that were written.</summary>
    public int DamagedVectors() => Files.SelectMany(DocumentsOf).SelectMany(VectorRecords).Count(record => !IsSound(record));

    /// <summary>The distinct terms of a chunk, in mapped memory; not for the writer.</summary>
    public ReadOnlySpan<uint> Terms(StoredChunk chunk) => MemoryMarshal.Cast<byte, uint>(_log.MappedPayload(chunk.TermsOffset, sizeof(uint) * chunk.TermCount));

    /// <summary>How often each of <see cref="Terms"/> occurs.</summary>
    public ReadOnlySpan<ushort> TermFrequencies(StoredChunk chunk) =>
        MemoryMarshal.Cast<byte, ushort>(_log.MappedPayload(chunk.TermsOffset + (long)sizeof(uint) * chunk.TermCount + sizeof(int), sizeof(ushort) * chunk.TermCount));

    /// <summary>The line of the document's text on which a chunk begins, from 1: chunks follow each other without a gap.</summary>
    public int Line(StoredDocument document, int chunk)
    {
        int line = 1;
        for (int i = 0; i <= chunk; i++)
        {
            ReadOnlySpan<byte> text = _log.MappedPayload(document.Chunks[i].TextOffset, document.Chunks[i].TextBytes);
            line += (i < chunk ? text : text[..^text.TrimStart(" \t\n"u8).Length]).Count((byte)'\n');
        }

        return line;
    }

    public string Text(StoredChunk chunk)
    {
        byte[] bytes = new byte[chunk.TextBytes];
        _log.ReadPayload(chunk.TextOffset, bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    public StoredDocument Add(StoredDocument document, IReadOnlyList<string> texts)
    {
        byte[] payload = (document with { Number = _lastNumber + 1 }).Write(texts);
        long offset = _log.Append(StoredDocument.RecordType, payload);
        Apply(StoredDocument.RecordType, payload, offset);
        return _documents[_lastNumber];
    }

    /// <summary>Stores embeddings. Their rows are on disk before the record that names them is written, so there is no record without its rows.</summary>
    public void Add(StoredVectors vectors) =>
        Append(VectorRecord.RecordType, _vectorFiles.Append(vectors, _newestVectors.TryGetValue(vectors.Encoder, out long newest) ? newest : null).Write());

    /// <summary>Takes the embeddings of another document of the same content for a document's own.</summary>
    public void Share(VectorRecord vectors, StoredDocument document) => Append(VectorRecord.RecordType, (vectors with { Document = document.Number }).Write());

    /// <summary>Makes the file's documents part of the store, in place of those it had, and durable.</summary>
    public void Commit(StoredFile file)
    {
        // What the file's record refers to must be on disk before the record itself can be.
        _log.Flush();
        Append(StoredFile.RecordType, file.Write());
        _log.Flush();
    }

    /// <summary>Takes a file and its documents out of the store.</summary>
    public void Remove(StoredFile file) => Commit(file with { Documents = [] });

    /// <summary>Whether more than half of the log, or of the vector files, is out of use.</summary>
    public bool IsWasteful() =>
        IsWasteful(Files.Sum(file => RecordLog.RecordBytes(8L * file.Documents.Length) + DocumentsOf(file).Sum(document => RecordLog.RecordBytes(document.PayloadBytes))), _log.End)
        || IsWasteful(Files.SelectMany(DocumentsOf).SelectMany(VectorRecords).Sum(record => 4L * record.Count * (_vectorFiles.Find(record.Encoder, record.Generation)?.Width ?? 0)), VectorBytes);

    /// <summary>
    /// Writes vectors and log anew without what is out of use: first the rows, into files of a new generation, then the log, which names them. A file that
    /// has lost documents stays with those that are left, so that it is still told. This catalog then describes a file that is gone: open it again,
    /// which removes the old vector files.
    /// </summary>
    public void Compact()
    {
        ILookup<long, VectorRecord> moved = _vectorFiles.Rewrite(_files.Values.SelectMany(DocumentsOf).SelectMany(VectorRecords).Where(IsSound)).ToLookup(record => record.Document);
        _log.Rewrite(LiveRecords(moved));
    }

    public void Dispose()
    {
        _vectorFiles.Dispose();
        _log.Dispose();
    }

    private static bool IsWasteful(long used, long all) => all - used > Math.Max(LeastWasteToCompact, all / 2);

    private IEnumerable<(uint Type, byte[] Payload)> LiveRecords(ILookup<long, VectorRecord> vectors)
    {
        foreach (StoredFile file in _files.Values)
        {
            foreach (StoredDocument document in DocumentsOf(file))
            {
                byte[] payload = new byte[document.PayloadBytes];
                _log.ReadPayload(document.PayloadOffset, payload);
                yield return (StoredDocument.RecordType, payload);
                foreach (VectorRecord record in vectors[document.Number]) yield return (VectorRecord.RecordType, record.Write());
            }

            yield return (StoredFile.RecordType, file.Write());
        }
    }

    private IEnumerable<VectorRecord> VectorRecords() => _vectors.Values.SelectMany(records => records);

    private IEnumerable<VectorRecord> VectorRecords(StoredDocument document) => _vectors.GetValueOrDefault(document.Number) ?? [];

    private bool IsSound(VectorRecord record) => _vectorFiles.Find(record.Encoder, record.Generation)?.Holds(record.FirstRow, record.Count, record.Checksum) == true;

    /// <summary>Opens the files now: until the next look at the store nothing can take them away.</summary>
    private void MapVectors()
    {
        foreach ((string encoder, long generation) in VectorRecords().Select(record => (record.Encoder, record.Generation)).Distinct())
            _vectorFiles.Find(encoder, generation);
    }

    private void Append(uint type, byte[] payload) => Apply(type, payload, _log.Append(type, payload));

    private void Apply(uint type, ReadOnlySpan<byte> payload, long offset)
    {
        try
        {
            switch (type)
            {
                case StoredDocument.RecordType:
                    Apply(StoredDocument.Read(payload, offset));
                    break;
                case VectorRecord.RecordType:
                    Apply(VectorRecord.Read(payload));
                    break;
                case StoredFile.RecordType:
                    Apply(StoredFile.Read(payload));
                    break;
            }
        }
        catch (InvalidDataException)
        {
            // A sound checksum over a record that makes no sense: what depends on it is found missing and ingested again.
        }
    }

    private void Apply(StoredDocument document)
    {
        document = document with { File = Shared(document.File) };
        _documents[document.Number] = document;
        _lastNumber = Math.Max(_lastNumber, document.Number);
        if (!_byFile.TryGetValue(document.File, out List<StoredDocument>? documents)) _byFile[document.File] = documents = [];

        documents.Add(document);
    }

    private void Apply(VectorRecord vectors)
    {
        vectors = vectors with { Encoder = Shared(vectors.Encoder) };
        if (!_vectors.TryGetValue(vectors.Document, out List<VectorRecord>? all))
            _vectors[vectors.Document] = all = new List<VectorRecord>(1);

        all.RemoveAll(old => old.Encoder == vectors.Encoder);
        all.Add(vectors);
        _newestVectors[vectors.Encoder] = vectors.Generation;
    }

    private void Apply(StoredFile file)
    {
        // The number of a document that is lost must not become another's.
        _lastNumber = Math.Max(_lastNumber, file.Documents.DefaultIfEmpty().Max());
        if (file.Documents.Length == 0) _files.Remove(file.Path);
        else _files[file.Path] = file;

        // Documents that the file no longer lists can never be listed again.
        if (_byFile.TryGetValue(file.Path, out List<StoredDocument>? documents))
        {
            HashSet<long> listed = [.. file.Documents];
            foreach (StoredDocument gone in documents.Where(document => !listed.Contains(document.Number)))
            {
                _documents.Remove(gone.Number);
                _vectors.Remove(gone.Number);
            }

            documents.RemoveAll(document => !listed.Contains(document.Number));
        }
    }

    /// <summary>One object for all equal texts: a path or an encoder stands in every document's record.</summary>
    private string Shared(string text)
    {
        ref string? shared = ref CollectionsMarshal.GetValueRefOrAddDefault(_texts, text, out _);
        return shared ??= text;
    }

    private bool IsWhole(StoredFile file) => file.Documents.All(_documents.ContainsKey);
}
