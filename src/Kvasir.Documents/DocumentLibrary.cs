using Kvasir.Documents.Answering;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Ingesting;
using Kvasir.Documents.Reading;
using Kvasir.Documents.Storage;
using Kvasir.Models;

namespace Kvasir.Documents;

/// <summary>
/// Documents that a language model answers from, with their KV computed once and kept in a store on disk (MatKV, variant M2: each chunk
/// behind the shared prompt prefix, placed by rotating the query). Used by one thread at a time; other libraries may use the same store.
/// </summary>
/// <example><code>
/// using var library = DocumentLibrary.Open("my-store", model, encoder);
/// library.Ingest(["handbook/"]);
/// foreach (string piece in library.Ask("How many days of leave are there?"))
///     Console.Write(piece);
/// </code></example>
public sealed partial class DocumentLibrary : IDisposable
{
    private readonly IAnswerModel _model;
    private readonly ITextEncoder _encoder;
    private readonly int _chunkTokens;
    private readonly ChunkPlacement _placement;
    private readonly double _thinStore;
    private readonly KvKey _key;
    private readonly Retriever _retriever;
    private SharedPrefix? _prefix;

    internal DocumentLibrary(
        DocumentStore store, IAnswerModel model, ITextEncoder encoder, int chunkTokens,
        ChunkPlacement placement = ChunkPlacement.BehindPrefix, double thinStore = 1)
    {
        Store = store;
        _model = model;
        _encoder = encoder;
        _retriever = new Retriever(encoder);
        _chunkTokens = chunkTokens;
        _placement = placement;
        _thinStore = thinStore is > 0 and <= 1
            ? thinStore : throw new InvalidInputException($"thin-store={thinStore}: give a share above 0% and up to 100%");
        PrefixIds = model.EncodePrefix();
        _key = new KvKey(model.Name, model.Identity, model.TokenizerIdentity, thinStore < 1
            ? FormattableString.Invariant($"{model.Policy},thin-store={thinStore * 100:0.###}%")
            : model.Policy, placement == ChunkPlacement.BehindPrefix ? PrefixIds : []);
    }

    /// <summary>Opens the store in a folder, or makes one where the folder is missing or empty.</summary>
    /// <param name="storeFolder">The folder.</param>
    /// <param name="model">The language model; it must outlive the library.</param>
    /// <param name="encoder">The embedding model (BERT type), which must outlive the library; null finds passages by their words
    /// alone.</param>
    /// <param name="options">Chunk size and KV policy.</param>
    /// <exception cref="InvalidInputException">The folder holds something else, or the model cannot be used with documents.</exception>
    /// <exception cref="StoreWriteException">A new store could not be written.</exception>
    public static DocumentLibrary Open(string storeFolder, Model model, Model? encoder, LibraryOptions? options = null)
    {
        var store = DocumentStore.Open(storeFolder, create: true, options?.Warned);
        try
        {
            return Open(store, model, encoder, options);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Opens a library on a store, which it closes when it is disposed of.</summary>
    /// <param name="store">The store.</param>
    /// <param name="model">The language model; it must outlive the library.</param>
    /// <param name="encoder">The embedding model (BERT type), which must outlive the library; null finds passages by their words
    /// alone.</param>
    /// <param name="options">Chunk size and KV policy.</param>
    /// <exception cref="InvalidInputException">The model cannot be used with documents.</exception>
    public static DocumentLibrary Open(DocumentStore store, Model model, Model? encoder, LibraryOptions? options = null)
    {
        options ??= new LibraryOptions();
        if (options.Policy.Steering is { } steering)
            throw new InvalidInputException(
                $"KV policy: {steering} is about the positions of one prompt; in documents, emphasise texts instead "
                + "(AskOptions.Emphasis)");
        var answers = new ModelAnswers(model, options.Policy, options.Images);
        ITextEncoder embedding = encoder is null ? new WordsAlone() : new ModelEncoder(encoder);
        var library = new DocumentLibrary(store, answers, embedding, options.ChunkTokens, options.Placement, options.ThinStore)
        { Comments = options.Comments };
        answers.Pictures?.Stored = hash =>
            library.Store.Catalog.Files().FirstOrDefault(file => file.Hash.AsSpan().SequenceEqual(hash))?.Path;
        return library;
    }

    /// <summary>The store: what it holds, and its care.</summary>
    public DocumentStore Store { get; }

    internal int[] PrefixIds { get; }

    internal bool Comments { get; init; }

    /// <summary>
    /// Brings files and whole folders into the store: plain text, Markdown, HTML, Word (docx), PDF, tables (csv, tsv), JSON Lines and
    /// source code; any other file is read as plain text where it is named itself, and left out of folders. Only what is new or has changed
    /// is read, and only KV that is missing is computed. Interrupted at any point, it goes on there the next time.
    /// </summary>
    /// <param name="paths">Files and folders. Stored files under a named folder that are gone from disk leave the store.</param>
    /// <param name="progress">Told after every chunk.</param>
    /// <param name="cancellation">Stops between chunks; what is done stays.</param>
    /// <param name="force">Read and cut also what has not changed, as another version of the program may do otherwise; equal chunks keep
    /// their KV.</param>
    /// <exception cref="InvalidInputException">A path does not exist, or a file named itself is no usable text.</exception>
    /// <exception cref="ReadOnlyStoreException">The store may only be read.</exception>
    /// <exception cref="StoreWriteException">The disk is full, or another process writes to the store; what it held is intact.</exception>
#pragma warning disable CA1068 // what is asked for seldom stands last
    public IngestReport Ingest(
        IEnumerable<string> paths, IProgress<IngestProgress>? progress = null, CancellationToken cancellation = default, bool force = false)
#pragma warning restore CA1068
    {
        FoundFiles found = FoundFiles.Under(paths, except: Store.Folder);
        return Store.Writing(writer =>
        {
            KvShelf shelf = NewShelf();
            SharedPrefix prefix = Prefix(shelf);
            var kv = new KvBuilder(_model, shelf, Richer(), prefix, Chunks(prefix), writer.Quota);
            IngestReport report;
            try
            {
                report = new Ingestor(writer, new FilePreparation(_model, _chunkTokens, Comments), _encoder, kv, _chunkTokens, progress,
                    cancellation).Run(found, force);
            }
            finally
            {
                kv.NoteSpeed();
            }

            return report with { KvBytes = KvShelf.Bytes(shelf.Folder, out _) };
        });
    }

    /// <summary>
    /// As <see cref="Ingest"/>, for a question about these documents: where the store may only be read, the store warns of it, and the
    /// question is answered from what it holds.
    /// </summary>
    /// <returns>What was done; null where nothing could be.</returns>
    /// <inheritdoc cref="Ingest"/>
    public IngestReport? Refresh(
        IEnumerable<string> paths, IProgress<IngestProgress>? progress = null, CancellationToken cancellation = default)
    {
        try
        {
            return Ingest(paths, progress, cancellation);
        }
        catch (ReadOnlyStoreException error)
        {
            Store.FileAccess.Warn($"{error.Message}: answers come from what it holds; new and changed documents are not taken in");
            return null;
        }
    }

    /// <summary>Answers a question from the stored documents. Retrieval is done now; enumerating the answer generates it.</summary>
    /// <param name="question">The question.</param>
    /// <param name="options">Passages, limits, where to look.</param>
    /// <param name="cancellation">Ends generation within one step.</param>
    /// <exception cref="InvalidInputException">The question is empty or too long, or there are no documents to answer from.</exception>
    public Answer Ask(string question, AskOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new AskOptions();
        var clock = Stopwatch.StartNew();
        IReadOnlyList<Passage>? passages = Passages(question, options, out Fit fit);
        CheckHasDocuments(passages, options.Within);
        return passages is null ? Answer.Irrelevant(question.Trim(), clock.Elapsed)
            : NewAsker(options, new AskCosts()).Ask(question.Trim(), passages, fit, clock, cancellation);
    }

    /// <summary>Answers a question from given passages instead of those that retrieval would find.</summary>
    /// <param name="question">The question.</param>
    /// <param name="passages">The passages, the most important first: it is placed last, next to the question.</param>
    /// <param name="options">Limits.</param>
    /// <param name="cancellation">Ends generation within one step.</param>
    /// <exception cref="InvalidInputException">The question is too long.</exception>
    public Answer Ask(string question, IReadOnlyList<Passage> passages, AskOptions? options = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(question);
        ArgumentNullException.ThrowIfNull(passages);
        return NewAsker(options ?? new AskOptions(), new AskCosts())
            .Ask(question.Trim(), passages, Fit.Firm, Stopwatch.StartNew(), cancellation);
    }

    /// <summary>
    /// Answers many questions, several at a time: decoding them together reads the weights once for all of them, and while they are decoded
    /// the next questions are retrieved and their KV read ahead. The answers are complete, and those of single questions but for the
    /// rounding of floats.
    /// </summary>
    /// <param name="questions">The questions; taken one by one as places become free.</param>
    /// <param name="options">Passages, limits, where to look.</param>
    /// <param name="parallel">Questions in flight, 1 to 256; 1 answers one after another.</param>
    /// <param name="costs">Counts time and CPU time by phase; complete when the enumeration has ended.</param>
    /// <param name="cancellation">Ends generation within one step; what is answered still comes before the exception.</param>
    /// <returns>The answers in the order of the questions. A question that cannot be answered gives one with <see cref="Answer.Error"/>,
    /// and the others go on.</returns>
    /// <exception cref="InvalidInputException">There are no documents to answer from, or <paramref name="parallel"/> is out of
    /// range.</exception>
    public IEnumerable<Answer> AskAll(
        IEnumerable<string> questions, AskOptions? options = null, int parallel = 16, AskCosts? costs = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(questions);
        options ??= new AskOptions();
        costs ??= new AskCosts();
        if (parallel is < 1 or > 256) throw new InvalidInputException($"{parallel} questions at a time: give 1 to 256");
        CheckHasDocuments(null, options.Within);
        return new QuestionStream(NewAsker(options, costs), _model, (string question, out Fit fit) =>
            Passages(question, options, out fit), options, parallel, costs, cancellation).Run(questions);
    }

    /// <summary>
    /// Checks every KV file of this model, under each policy, against its checksums, and the catalog and the embeddings. Damaged files are
    /// taken out of use: the next ingest computes them anew, and a question that needs one before computes it in place.
    /// </summary>
    /// <param name="cancellation">Stops between files.</param>
    public StoreVerification Verify(CancellationToken cancellation = default)
    {
        HashSet<string> chunks =
            [.. Store.Catalog.Files().SelectMany(file => Store.Catalog.Documents(file.Path)).SelectMany(Store.Catalog.Chunks)
                .Select(chunk => chunk.KvName)];
        List<KvShelf> shelves = [.. KvShelf.Siblings(Store, _key)];
        if (NewShelf() is var own && (shelves.Count == 0 || Directory.Exists(own.Folder))) shelves.Insert(0, own);
        (IReadOnlyList<string> problems, int vectors) = Store.Catalog.Verify();
        return new StoreVerification(
            [.. shelves.Select(shelf => Verify(shelf, chunks, cancellation))], problems.Count)
        { DamagedVectors = vectors };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _retriever.Dispose();
        _prefix?.Dispose();
        _model.Dispose();
        Store.Dispose();
    }

    private ShelfVerification Verify(KvShelf shelf, HashSet<string> names, CancellationToken cancellation)
    {
        var damaged = new List<SkippedFile>();
        int chunks = 0, missing = 0;
        foreach (string name in names.Append(KvShelf.PrefixName))
        {
            cancellation.ThrowIfCancellationRequested();
            bool isChunk = name != KvShelf.PrefixName;
            string path = shelf.PathOf(name);
            if (!File.Exists(path))
            {
                missing += isChunk ? 1 : 0;
                continue;
            }

            chunks += isChunk ? 1 : 0;
            if (_model.Check(path) is { } wrong && File.Exists(path))
            {
                damaged.Add(new SkippedFile(path, wrong));
                shelf.SetAside(name);
            }
        }

        return new ShelfVerification(shelf.Policy, chunks, missing, damaged);
    }

    /// <summary>The passages that a question is to be answered from, best first; null where none has to do with it.</summary>
    private List<Passage>? Passages(string question, AskOptions options, out Fit fit)
    {
        question = string.IsNullOrWhiteSpace(question) ? throw new InvalidInputException("the question is empty") : question.Trim();
        Found found = Told(_retriever.Find(Store.Catalog, question, options.Passages ?? PassageSelection.Most, Scope(options.Within)));
        if (!_model.ReadsPictures) found = found with { Passages = [.. found.Passages.Where(passage => !passage.IsPicture)] };
        fit = options.MinScore is float least ? least <= 0 || Relevance.Comes(found, least, least) ? Fit.Firm : Fit.None
            : options.Passages is null && _encoder.LeastRelevant > 0 ? Relevance.Of(found, _encoder.LeastRelevant)
            : Fit.Firm;
        if (fit == Fit.None)
        {
            // A question that could not be asked is refused, whatever was found.
            Asker.Suffix(_model, PrefixIds.Length, question, options);
            return null;
        }

        if (options.Passages is null && Picture(found.Passages) is { } picture) return [Cited(picture)];
        return [.. (options.Passages is null ? PassageSelection.Relevant(found.Passages, _model.IsSmall) : found.Passages).Select(Cited)];
    }

    /// <summary>A picture that fits best, by itself or by the text that is its caption: it is asked about alone.</summary>
    private static Passage? Picture(List<Passage> found) => found.Find(passage =>
        passage.IsPicture && (passage == found[0] || passage.Text.Contains(found[0].Text.Trim(), StringComparison.Ordinal)));

    /// <summary>A passage that an answer is made from, with what has become of its file.</summary>
    private Passage Cited(Passage passage)
    {
        if (Store.Catalog.File(passage.File) is not { } file) return passage;
        StoredFileState state = file.State();
        if (state == StoredFileState.Changed)
            Store.FileAccess.Warn($"{passage.File} has changed since it was ingested", StoreMend.Ingest, passage.File);
        else if (state == StoredFileState.Gone)
            Store.FileAccess.Warn($"{passage.File} is gone since it was ingested (where it was moved, ingest it there: its KV is kept)",
                StoreMend.Remove, passage.File);

        bool hasLines = DocumentKinds.Of(passage.File) is null or DocumentKind.Text or DocumentKind.SourceCode;
        return passage with
        {
            State = state,
            Line = hasLines && Store.Catalog.Documents(passage.File) is [var document, ..]
            ? Line(Store.Catalog.Chunks(document), passage.Chunk) : null
        };
    }

    /// <summary>The line of the document's text on which a chunk begins, from 1: chunks follow each other without a gap.</summary>
    private static int? Line(IReadOnlyList<StoredChunk> chunks, int part) => part >= chunks.Count ? null
        : 1 + chunks.Take(part).Sum(chunk => chunk.Text.Count(c => c == '\n')) + chunks[part].Text.TakeWhile(char.IsWhiteSpace)
            .Count(c => c == '\n');

    private void CheckHasDocuments(IReadOnlyList<Passage>? passages, IReadOnlyList<string>? within)
    {
        PathScope? scope = Scope(within);
        if (passages is null or [] && !Store.Catalog.Files().Any(file => scope?.Contains(file.Path) != false))
            throw new InvalidInputException(within is null ? $"{Store.Folder}: the store has no documents yet; ingest some first"
                : $"{Store.Folder}: the store holds nothing of {string.Join(", ", within)}");
    }

    private Asker NewAsker(AskOptions options, AskCosts costs)
    {
        KvShelf shelf = NewShelf();
        bool held = _prefix is not null;
        SharedPrefix prefix = Prefix(shelf);
        var kv = new ChunkKvSource(
            _model, Store, shelf, [.. Richer()], prefix, prefixIsNew: !held && prefix.LoadedBytes == 0, Chunks(prefix), costs);
        return new Asker(_model, kv, prefix, _placement, shelf.Description.TokensPerSecond, options, costs);
    }

    private ChunkComputation Chunks(SharedPrefix prefix) => new(_model, prefix, _placement, _thinStore);

    private KvShelf NewShelf() => new(Store, _key);

    private SharedPrefix Prefix(KvShelf shelf) => _prefix ??= SharedPrefix.Open(_model, PrefixIds, shelf, Richer());

    /// <summary>
    /// The shelves that KV can be converted from, float32 before float16; which tokens to leave out is not to be seen from them.
    /// </summary>
    private IEnumerable<KvShelf> Richer() => _thinStore < 1
        ? []
        : KvShelf.Siblings(Store, _key).Where(shelf => _model.CanConvert(shelf.Policy))
            .OrderByDescending(shelf => shelf.Policy, StringComparer.Ordinal);
}
