using Kvasir.Cache;
using Kvasir.Documents.Answering;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Storage;
using Kvasir.Memory;
using Kvasir.Models;

namespace Kvasir.Documents.Transfer;

/// <summary>
/// What of a store goes elsewhere: documents and their KV to another machine as one file (<see cref="ExportManifest"/>), and KV to another
/// policy.
/// </summary>
public static class StoreTransfer
{
    /// <summary>
    /// Writes stored documents as one file: texts, chunks, embeddings and KV, for <see cref="Import"/> into the store of another machine.
    /// No model is needed. The file appears when it is whole.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="path">A stored file, or a folder of stored files.</param>
    /// <param name="output">The file to write or replace.</param>
    /// <param name="options">Whose KV, and a key to sign with; by default all KV and no key.</param>
    /// <param name="progress">Told after every part.</param>
    /// <param name="cancellation">Stops between parts; nothing is left then.</param>
    /// <exception cref="InvalidInputException">Nothing of the path, or no such KV, is in the store.</exception>
    /// <exception cref="IOException">The file could not be written.</exception>
    public static ExportReport Export(
        this DocumentStore store, string path, string output, ExportOptions? options = null, IProgress<TransferProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        options ??= new ExportOptions();
        var scope = new PathScope([path]);
        List<StoredFile> files = [.. store.Catalog.Files().Where(file => scope.Contains(file.Path))];
        if (files.Count == 0) throw new InvalidInputException($"{path}: not in the store; kvasir store ls shows what is");
        List<KvShelf> shelves = StoreExport.Shelves(store, options);
        using var file = new ReplacedFile(output);
        ExportReport report;
        Action<long> done = bytes => progress?.Report(new TransferProgress(bytes, 0));
        using (var export = new StoreExport(store.Catalog, file.Stream, done, cancellation))
        {
            report = export.Run(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), files, shelves, options.Key);
        }

        report = report with { Bytes = file.Stream.Length };
        file.Commit();
        return report;
    }

    /// <summary>
    /// Looks whether a file is one that <see cref="Export"/> has written, by its list of contents, so that no store is made for another.
    /// </summary>
    /// <param name="file">The exported file; it may come from anywhere.</param>
    /// <param name="key">The key that it must be signed with; null for any.</param>
    /// <exception cref="InvalidInputException">Not such a file, damaged, or not signed with the key.</exception>
    public static void CheckExported(string file, byte[]? key = null) => ExportArchive.Open(file, key).Dispose();

    /// <summary>
    /// Takes in what <see cref="Export"/> has written, without a model: documents with their embeddings, and KV that is not here yet. All
    /// of the file is checked before anything changes; done twice, the second time changes nothing.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="file">The exported file; it may come from anywhere.</param>
    /// <param name="options">Another path, and the key that it must be signed with.</param>
    /// <param name="progress">Told after every part.</param>
    /// <param name="cancellation">Stops between parts; what is taken in by then is as after an interrupted ingest.</param>
    /// <exception cref="InvalidInputException">Not such a file, damaged, or not signed with the key; nothing was imported.</exception>
    /// <exception cref="StoreWriteException">The disk is full, or another process writes to the store; what it held is intact.</exception>
    public static ImportReport Import(
        this DocumentStore store, string file, ImportOptions? options = null, IProgress<TransferProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        options ??= new ImportOptions();
        using ExportArchive archive = ExportArchive.Open(file, options.Key);
        long total = archive.Bytes + archive.Manifest.Entries.Where(entry => entry.Name.EndsWith(".kv", StringComparison.Ordinal))
            .Sum(entry => entry.Bytes);
        return store.Guarded(() =>
            new StoreImport(store, archive, options.As, bytes => progress?.Report(new TransferProgress(bytes, total)), cancellation).Run());
    }

    /// <summary>
    /// Brings the stored KV of a model to another policy, without computing it anew: every file is read, checked, encoded anew and renamed
    /// into place. What is there already is left as it is, so an interrupted conversion goes on where it stopped. Damaged files are set
    /// aside.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="model">The model whose KV it is.</param>
    /// <param name="target">The policy to convert to.</param>
    /// <param name="options">Which policy to convert from, and whether to keep what was converted.</param>
    /// <param name="progress">Told after every file.</param>
    /// <param name="cancellation">Stops between files; what is done stays.</param>
    /// <exception cref="InvalidInputException">There is no such KV, or it has lost what the target would keep.</exception>
    /// <exception cref="StoreWriteException">The disk is full, or another process writes to the store; what it held is intact.</exception>
    public static KvConversionReport ConvertKv(
        this DocumentStore store, Model model, KvPolicy target, KvConversionOptions? options = null,
        IProgress<KvConversionProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(target);
        return store.ConvertKv(new ModelAnswers(model, target), options ?? new KvConversionOptions(), progress, cancellation);
    }

    internal static KvConversionReport ConvertKv(
        this DocumentStore store, IAnswerModel model, KvConversionOptions options, IProgress<KvConversionProgress>? progress = null,
        CancellationToken cancellation = default) =>
        store.Writing(writer =>
            new ShelfConversion(store, model, writer.Quota, options.From?.ToString(), progress, cancellation).Run(options.RemoveSource));
}
