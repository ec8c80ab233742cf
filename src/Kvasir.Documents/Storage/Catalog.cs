using System.Text;

namespace Kvasir.Documents.Storage;

/// <summary>
/// What a store holds, read from its log: files, their documents with chunks, terms and vectors. Documents count only through the file that
/// lists them; those of an interrupted ingest wait unlisted until it is taken up again.
/// </summary>
internal sealed class Catalog : IDisposable
{
    private const long LeastWasteToCompact = 1 << 20;

    private readonly RecordLog _log;
    private readonly Dictionary<string, StoredFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<long, StoredDocument> _documents = [];
    private readonly Dictionary<long, List<StoredVectors>> _vectors = [];
    private readonly Dictionary<string, List<StoredDocument>> _byFile = new(StringComparer.Ordinal);
    private long _lastNumber;

    private Catalog(RecordLog log)
    {
        _log = log;
        _log.Read(Apply);
    }

    /// <summary>Opens the log of a store for reading, or for the one writer.</summary>
    public static Catalog Open(string path, StoreFiles files, bool write)
    {
        RecordLog log = RecordLog.Open(path, files, write);
        try
        {
            var catalog = new Catalog(log);
            if (write)
            {
                log.CutTornEnd();
            }

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

    /// <summary>All documents, those of unfinished files included.</summary>
    public IEnumerable<StoredDocument> AllDocuments => _documents.Values;

    /// <summary>Damaged records that were passed over.</summary>
    public int Damaged => _log.Damaged;

    /// <summary>Bytes of sound records.</summary>
    public long Bytes => _log.End;

    public StoredFile? File(string path) => _files.TryGetValue(path, out StoredFile? file) && IsWhole(file) ? file : null;

    public IEnumerable<StoredDocument> DocumentsOf(StoredFile file) => file.Documents.Select(number => _documents[number]);

    /// <summary>The documents that were stored for a file before, finished or not, as they are now.</summary>
    public IReadOnlyList<StoredDocument> StoredFor(string file) => _byFile.TryGetValue(file, out List<StoredDocument>? documents) ? [.. documents] : [];

    public StoredVectors? Vectors(string encoder, StoredDocument document) =>
        _vectors.GetValueOrDefault(document.Number)?.Find(vectors => vectors.Encoder == encoder && vectors.Values.Length == vectors.Width * document.Chunks.Length);

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

    public void Add(StoredVectors vectors) => Append(StoredVectors.RecordType, vectors.Write());

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

    /// <summary>Whether more than half of the log is out of use.</summary>
    public bool IsWasteful() => _log.End - LiveRecords().Sum(record => RecordLog.RecordBytes(record.Bytes)) is long waste && waste > LeastWasteToCompact && waste > _log.End / 2;

    /// <summary>Writes the log anew without what is out of use. This catalog then describes a file that is gone: open it again.</summary>
    public void Compact() => _log.Rewrite(LiveRecords().Select(record => (record.Type, record.Write())));

    public void Dispose() => _log.Dispose();

    private IEnumerable<(uint Type, long Bytes, Func<byte[]> Write)> LiveRecords()
    {
        foreach (StoredFile file in Files)
        {
            foreach (StoredDocument document in DocumentsOf(file))
            {
                yield return (StoredDocument.RecordType, document.RecordBytes, () => document.Write([.. document.Chunks.Select(Text)]));
                foreach (StoredVectors vectors in _vectors.GetValueOrDefault(document.Number) ?? [])
                {
                    yield return (StoredVectors.RecordType, 4L * vectors.Values.Length, vectors.Write);
                }
            }

            yield return (StoredFile.RecordType, 8L * file.Documents.Length, file.Write);
        }
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
                case StoredVectors.RecordType:
                    Apply(StoredVectors.Read(payload));
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
        _documents[document.Number] = document;
        _lastNumber = Math.Max(_lastNumber, document.Number);
        if (!_byFile.TryGetValue(document.File, out List<StoredDocument>? documents))
        {
            _byFile[document.File] = documents = [];
        }

        documents.Add(document);
    }

    private void Apply(StoredVectors vectors)
    {
        if (!_vectors.TryGetValue(vectors.Document, out List<StoredVectors>? all))
        {
            _vectors[vectors.Document] = all = [];
        }

        all.RemoveAll(old => old.Encoder == vectors.Encoder);
        all.Add(vectors);
    }

    private void Apply(StoredFile file)
    {
        if (file.Documents.Length == 0)
        {
            _files.Remove(file.Path);
        }
        else
        {
            _files[file.Path] = file;
        }

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

    private bool IsWhole(StoredFile file) => file.Documents.All(_documents.ContainsKey);
}
