using System.CommandLine;
using Kvasir.Cache;
using Kvasir.Documents;
using Kvasir.Models;

namespace Kvasir.Cli.Options;

/// <summary>The store of documents that a command works on, and the two models it needs: one that answers, one that embeds.</summary>
internal sealed class LibraryChoice : IDisposable
{
    private readonly Model _model;
    private readonly Model _encoder;

    private readonly KvPolicy _policy;

    private LibraryChoice(Model model, Model encoder, KvPolicy policy, DocumentLibrary library) => (_model, _encoder, _policy, Library) = (model, encoder, policy, library);

    public DocumentLibrary Library { get; }

    /// <summary>Bytes of one token's keys and values in float16.</summary>
    public long BytesPerTokenF16 => 2L * sizeof(ushort) * _model.Config.Layers * _model.Config.KvHeads * _model.Config.HeadDim;

    /// <summary>Bytes of a full chunk's KV under another policy, as a share of those under the library's.</summary>
    public double ShareUnder(KvPolicy other)
    {
        int tokens = new LibraryOptions().ChunkTokens;
        return (double)_model.Forecast(other).SavedBytes(0, tokens) / _model.Forecast(_policy).SavedBytes(0, tokens);
    }

    /// <summary>The options --store and --embedder.</summary>
    public sealed class Options
    {
        private readonly Option<string?> _store = StoreOption();
        private readonly Option<string?> _embedder = new("--embedder") { Description = "The embedding model: a file, folder or name (default: the first BERT-type one)", HelpName = "PATH|NAME" };

        private readonly Option<string> _thinStore = new("--thin-store") { Description = "The share of each chunk's tokens that is stored, by how much the model needs them to repeat the text; costs answers", HelpName = "P%", DefaultValueFactory = _ => "100%" };
        private readonly Option<int> _chunkTokens = ChunkTokensOption();
        private readonly Option<bool> _comments = CommentsOption();
        private readonly PlacingOptions? _placing;

        public Options(Command command, PlacingOptions? placing = null)
        {
            _placing = placing;
            command.Options.Add(_store);
            command.Options.Add(_embedder);
            command.Options.Add(_thinStore);
            command.Options.Add(_chunkTokens);
            command.Options.Add(_comments);
        }

        public LibraryChoice Open(ParseResult parsed, CommonOptions common, Terminal terminal, string? folder = null)
        {
            KvPolicy policy = common.Policy(parsed);
            string embedder = ModelChoice.ResolveBoth(common.ModelName(parsed), parsed.GetValue(_embedder), terminal).Encoder;
            Task<Model> loading = Task.Run(() => LoadEncoder(embedder, common.ModelOptions(parsed)));
            Model? model = null;
            try
            {
                model = common.LoadTextModel(parsed, terminal);
                policy = CommonOptions.Prepare(policy, model, terminal);
                Model encoder = loading.GetAwaiter().GetResult();
                return new LibraryChoice(model, encoder, policy, DocumentLibrary.Open(folder ?? StoreFolder(parsed.GetValue(_store)), model, encoder, new LibraryOptions { Policy = policy, Placement = _placing?.Placement(parsed) ?? ChunkPlacement.BehindPrefix, ThinStore = ThinStore(parsed), ChunkTokens = parsed.GetValue(_chunkTokens), Comments = parsed.GetValue(_comments), Warned = StoreWarnings.To(terminal, parsed) }));
            }
            catch
            {
                model?.Dispose();
                DisposeLoaded(loading);
                throw;
            }
        }

        /// <exception cref="InvalidInputException">No share above 0% and up to 100%.</exception>
        private double ThinStore(ParseResult parsed) =>
            Percent.TryParse(parsed.GetValue(_thinStore)!, out double share)
                ? share
                : throw new InvalidInputException($"--thin-store {parsed.GetValue(_thinStore)}: give a share above 0% and up to 100%");

        private static void DisposeLoaded(Task<Model> loading)
        {
            try
            {
                loading.GetAwaiter().GetResult().Dispose();
            }
            catch (InvalidInputException)
            {
                // There is nothing to dispose; the first failure is the one to tell.
            }
        }

        private static Model LoadEncoder(string path, ModelOptions options)
        {
            Model encoder = Model.Load(path, options);
            _ = encoder.Tokenizer;
            encoder.WarmUp();
            return encoder;
        }
    }

    public static Option<string?> StoreOption() => new("--store") { Description = "The folder that keeps documents and their KV (default: KVASIR_STORE, or one in your home)", HelpName = "DIR" };

    public static Option<bool> CommentsOption() => new("--comments") { Description = "Read the comments in Word documents too" };

    public static Option<int> ChunkTokensOption() => new Option<int>("--chunk-tokens")
    {
        Description = "Tokens of a chunk, at most; documents that were cut otherwise are cut anew when they are ingested",
        HelpName = "N",
        DefaultValueFactory = _ => LibraryOptions.DefaultChunkTokens,
    }.InRange(16, 8192);

    /// <summary>The folder given, or that of <c>KVASIR_STORE</c>, or the user's own.</summary>
    public static string StoreFolder(string? given)
    {
        if (!string.IsNullOrEmpty(given)) return given;
        if (Environment.GetEnvironmentVariable("KVASIR_STORE") is { Length: > 0 } set) return set;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return home.Length > 0 ? Path.Combine(home, "kvasir", "store") : throw new InvalidInputException("there is no home folder for a document store; name one with --store");
    }

    /// <summary>Ingests with a live bar.</summary>
    public IngestReport Ingest(IReadOnlyList<string> documents, bool force, Terminal terminal)
    {
        using var line = new ProgressLine(terminal, "ingest");
        return Library.Ingest(documents, new Bar(line), terminal.Interrupted, force);
    }

    /// <summary>Ingests for a question, with a live bar; null where the store is read-only.</summary>
    public IngestReport? Refresh(IReadOnlyList<string> documents, Terminal terminal)
    {
        using var line = new ProgressLine(terminal, "ingest");
        return Library.Refresh(documents, new Bar(line), terminal.Interrupted);
    }

    public void Dispose()
    {
        Library.Dispose();
        _encoder.Dispose();
        _model.Dispose();
    }

    private sealed class Bar(ProgressLine line) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value) => line.Report(value.Share, 1, $"{Units.Count(value.Documents, "document")}, {Units.Count(value.Chunks, "chunk")}, {Path.GetFileName(value.File)}");
    }
}
