using Kvasir.Vision;

namespace Kvasir.Cli.Options;

/// <summary>The store of documents that a command works on, and the two models it needs: one that answers, one that embeds.</summary>
internal sealed class LibraryChoice(
    Model model, Model? encoder, ImageEncoder? images, KvPolicy policy, DocumentLibrary library) : IDisposable
{
    public DocumentLibrary Library => library;

    /// <summary>Bytes of one token's keys and values in float16.</summary>
    public long BytesPerTokenF16 =>
        (long)sizeof(ushort) * model.Config.Layers * model.Config.KvHeads * (model.Config.HeadDim + model.Config.ValueDim);

    /// <summary>Bytes of a full chunk's KV under another policy, as a share of those under the library's.</summary>
    public double ShareUnder(KvPolicy other)
    {
        int tokens = new LibraryOptions().ChunkTokens;
        return (double)model.Forecast(other).SavedBytes(0, tokens) / model.Forecast(policy).SavedBytes(0, tokens);
    }

    /// <inheritdoc cref="EmphasisOptions.Read"/>
    public Emphasis? Emphasis(EmphasisOptions options, ParseResult parsed, bool always) => options.Read(parsed, model, policy, always);

    /// <summary>The options --store and --embedder, and how chunks are made.</summary>
    public sealed class Options(ExampleCommand command, PlacingOptions? placing = null)
    {
        private readonly Option<string?> _store = StoreOption(command);

        private readonly Option<string?> _embedder = EmbedderOption(command);

        private readonly Option<string> _thinStore = command.Option(
            "--thin-store", "P%",
            "The share of each chunk's tokens that is stored, by how much the model needs them to repeat the text; costs answers", "100%");

        private readonly Option<string?> _imageEncoder = ImageOptions.Encoder(command);
        private readonly Option<int> _chunkTokens = ChunkTokensOption(command);
        private readonly Option<bool> _comments = CommentsOption(command);

        /// <summary>
        /// Opens the store and loads the models. A store that is not there is made where there is something to take in.
        /// </summary>
        /// <param name="parsed">The command line.</param>
        /// <param name="common">Its options of models and policies.</param>
        /// <param name="terminal">Where is said what happens.</param>
        /// <param name="documents">What is to be taken in, files and folders; null where the store is made in any case.</param>
        /// <param name="folder">The store's folder; null for the one that the command line says.</param>
        /// <exception cref="InvalidInputException">There is no store and nothing to take in, or something cannot be loaded.</exception>
        public LibraryChoice Open(
            ParseResult parsed, CommonOptions common, Terminal terminal, IReadOnlyCollection<string>? documents, string? folder = null)
        {
            KvPolicy policy = common.Policy(parsed);
            folder ??= StoreFolder(parsed.GetValue(_store));
            string? embedder = ModelChoice.ResolveEncoder(parsed.GetValue(_embedder), terminal);
            Task<Model?> loading = Task.Run(() => embedder is null ? null : LoadEncoder(embedder, common.ModelOptions(parsed)));
            Action<StoreWarning> warned = StoreWarnings.To(terminal, parsed);
            // A new store is made when all else is known to be right.
            Task<DocumentStore?> opening = Task.Run(() => DocumentStore.Exists(folder) ? DocumentStore.Open(folder, warned: warned) : null);
            Model? model = null;
            ImageEncoder? images = null;
            try
            {
                model = common.LoadTextModel(parsed, terminal);
                policy = CommonOptions.Prepare(policy, model, terminal);
                images = PictureInput.TryOpen(model, parsed.GetValue(_imageEncoder), common.ModelOptions(parsed));
                Model? encoder = loading.GetAwaiter().GetResult();
                var options = new LibraryOptions
                {
                    Policy = policy,
                    Images = images,
                    Placement = placing?.Placement(parsed) ?? ChunkPlacement.BehindPrefix,
                    ThinStore = ThinStore(parsed),
                    ChunkTokens = parsed.GetValue(_chunkTokens),
                    Comments = parsed.GetValue(_comments),
                };
                DocumentStore store = opening.GetAwaiter().GetResult() ?? Create(folder, documents, warned);
                var library = DocumentLibrary.Open(store, model, encoder, options);
                return new LibraryChoice(model, encoder, images, policy, library);
            }
            catch
            {
                images?.Dispose();
                model?.Dispose();
                DisposeOf(loading);
                DisposeOf(opening);
                throw;
            }
        }

        /// <summary>Makes a store for what is to be taken in, if that is there.</summary>
        private static DocumentStore Create(string folder, IReadOnlyCollection<string>? documents, Action<StoreWarning> warned)
        {
            if (documents?.FirstOrDefault(document => !Path.Exists(document)) is { } missing)
                throw new InvalidInputException(missing.Length > 0 ? $"{missing}: no such file or folder" : "a document's path is empty");
            return DocumentStore.Open(folder, documents is not { Count: 0 }, warned);
        }

        /// <exception cref="InvalidInputException">No share above 0% and up to 100%.</exception>
        private double ThinStore(ParseResult parsed) =>
            Percent.TryParse(parsed.GetValue(_thinStore)!, out double share)
                ? share
                : throw new InvalidInputException($"--thin-store {parsed.GetValue(_thinStore)}: give a share above 0% and up to 100%");

        /// <summary>What failed to open has nothing to dispose of; the first failure is the one to tell.</summary>
        private static void DisposeOf<T>(Task<T> opening) where T : IDisposable?
        {
            _ = Task.WhenAny(opening).GetAwaiter().GetResult();
            if (opening.IsCompletedSuccessfully) opening.Result?.Dispose();
        }

        private static Model LoadEncoder(string path, ModelOptions options)
        {
            Model encoder = Model.Load(path, options);
            _ = encoder.Tokenizer;
            encoder.WarmUp(); // beside the language model's loading, which takes longer
            return encoder;
        }
    }

    public static Option<string?> StoreOption(ExampleCommand command) => command.Option<string?>(
        "--store", "DIR", "The folder that keeps documents and their KV (default: KVASIR_STORE, or one in your home)");

    public static Option<string?> EmbedderOption(ExampleCommand command) => command.Option<string?>(
        "--embedder", "PATH|NAME|none",
        "The embedding model: a file, folder or name, or none to go by words alone (default: the first BERT-type one)");

    public static Option<bool> CommentsOption(ExampleCommand command) =>
        command.Flag("--comments", "Read the comments in Word documents too");

    public static Option<int> ChunkTokensOption(ExampleCommand command) => command.Option(
        "--chunk-tokens", "N",
        "Tokens of a chunk, at most; documents that were cut otherwise are cut anew when they are ingested",
        LibraryOptions.DefaultChunkTokens).InRange(16, 8192);

    /// <summary>The folder given, or that of <c>KVASIR_STORE</c>, or the user's own.</summary>
    public static string StoreFolder(string? given)
    {
        if (!string.IsNullOrEmpty(given)) return given;
        if (Environment.GetEnvironmentVariable("KVASIR_STORE") is { Length: > 0 } set) return set;
        string home = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return home.Length > 0
            ? Path.Combine(home, "kvasir", "store")
            : throw new InvalidInputException("there is no home folder for a document store; name one with --store");
    }

    /// <summary>Ingests with a live bar.</summary>
    public IngestReport Ingest(IReadOnlyList<string> documents, bool force, Terminal terminal)
    {
        using var line = new ProgressLine(terminal, "ingest");
        return Library.Ingest(documents, Bar(line), terminal.Interrupted, force);
    }

    /// <summary>Ingests for a question, with a live bar; null where the store is read-only.</summary>
    public IngestReport? Refresh(IReadOnlyList<string> documents, Terminal terminal)
    {
        using var line = new ProgressLine(terminal, "ingest");
        return Library.Refresh(documents, Bar(line), terminal.Interrupted);
    }

    public void Dispose()
    {
        Library.Dispose();
        encoder?.Dispose();
        images?.Dispose();
        model.Dispose();
    }

    private static IProgress<IngestProgress> Bar(ProgressLine line) => ProgressLine.Of<IngestProgress>(value => line.Report(
        value.Share, 1,
            $"{Units.Count(value.Documents, "document")}, {Units.Count(value.Chunks, "chunk")}, {Path.GetFileName(value.File)}"));
}
