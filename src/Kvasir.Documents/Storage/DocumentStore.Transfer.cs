using Kvasir.Memory;

namespace Kvasir.Documents.Storage;

/// <content>Documents and their KV from store to store, as one file.</content>
public sealed partial class DocumentStore
{
    /// <summary>
    /// Writes stored documents as one file: texts, chunks, embeddings and KV, for <see cref="Import"/> into the store of another machine.
    /// No model is needed. The file appears when it is whole.
    /// </summary>
    /// <param name="path">A stored file, or a folder of stored files.</param>
    /// <param name="output">The file to write or replace.</param>
    /// <param name="options">Whose KV, and a key to sign with; by default all KV and no key.</param>
    /// <param name="progress">Told after every part.</param>
    /// <param name="cancellation">Stops between parts; nothing is left then.</param>
    /// <exception cref="InvalidInputException">Nothing of the path, or no such KV, is in the store.</exception>
    /// <exception cref="IOException">The file could not be written.</exception>
    public ExportReport Export(
        string path, string output, ExportOptions? options = null, IProgress<TransferProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new ExportOptions();
        var scope = new PathScope([path]);
        List<StoredFile> files = [.. Catalog.Files().Where(file => scope.Contains(file.Path))];
        if (files.Count == 0) throw new InvalidInputException($"{path}: not in the store; kvasir store ls shows what is");
        List<KvShelf> shelves = StoreExport.Shelves(this, options);
        using var file = new ReplacedFile(output);
        ExportReport report;
        using (var export = new StoreExport(Catalog, file.Stream, bytes => progress?.Report(new TransferProgress(bytes, 0)), cancellation))
        {
            report = export.Run(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), files, shelves, options.Key);
        }

        report = report with { Bytes = file.Stream.Length };
        file.Commit();
        return report;
    }

    /// <summary>
    /// Takes in what <see cref="Export"/> has written, without a model: documents with their embeddings, and KV that is not here yet. All
    /// of the file is checked before anything changes; done twice, the second time changes nothing.
    /// </summary>
    /// <param name="file">The exported file; it may come from anywhere.</param>
    /// <param name="options">Another path, and the key that it must be signed with.</param>
    /// <param name="progress">Told after every part.</param>
    /// <param name="cancellation">Stops between parts; what is taken in by then is as after an interrupted ingest.</param>
    /// <exception cref="InvalidInputException">Not such a file, damaged, or not signed with the key; nothing was imported.</exception>
    /// <exception cref="StoreWriteException">The disk is full, or another process writes to the store; what it held is intact.</exception>
    public ImportReport Import(
        string file, ImportOptions? options = null, IProgress<TransferProgress>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new ImportOptions();
        using ExportArchive archive = ExportArchive.Open(file, options.Key);
        long total = archive.Bytes + archive.Manifest.Entries.Where(entry => entry.Name.EndsWith(".kv", StringComparison.Ordinal))
            .Sum(entry => entry.Bytes);
        return Guarded(Folder, () =>
            new StoreImport(this, archive, options.As, bytes => progress?.Report(new TransferProgress(bytes, total)), cancellation).Run());
    }
}
