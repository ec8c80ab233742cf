using Kvasir.Calibration;

namespace Kvasir.Cli.Options;

/// <summary>The options that most commands share, each with one name, one default and one meaning.</summary>
internal sealed class CommonOptions
{
    private readonly KvPolicy _usual;
    private readonly Option<bool> _json;
    private readonly Option<string?> _model;
    private readonly Option<int> _threads;
    private readonly Option<ulong?> _seed;
    private readonly Option<string> _compute;
    private readonly Option<string[]> _kv;

    private CommonOptions(ExampleCommand command, Scope scope, KvPolicy? usual = null)
    {
        var elsewhere = new ExampleCommand("elsewhere", "Takes the options that the command does not have.");
        ExampleCommand From(Scope least) => scope >= least ? command : elsewhere;
        _usual = usual ?? KvPolicy.Default;
        _json = command.Flag("--json", "Print JSON on standard output and nothing else there");
        _model = From(Scope.ModelFile).Option<string?>(
            "--model -m", "PATH|NAME", "A GGUF file, a Hugging Face folder, or a name in a models folder");
        _threads = From(Scope.Model).Option<int>("--threads -t", "N", "Threads (default: one per physical core)")
            .InRange(0, 1024, " (0: one per physical core)");
        _seed = From(Scope.Model).Option<ulong?>("--seed", "N", "The same seed gives the same text where tokens are drawn at random")
            .InRange(0UL, ulong.MaxValue, "; without --seed chance decides");
        _compute = From(Scope.Model).Choice(
            "--compute", "int8|float32", "Activations of the matrix products: int8 (fast, default), or float32 (the reference maths)");
        _kv = From(Scope.Sequences).Option<string[]>(
            "--kv", "POLICY",
            $"How keys and values are kept, for example k=kivi4,v=kivi4 or auto:3bit (default: {(usual is null ? "float16" : _usual)})");
        _kv.AllowMultipleArgumentsPerToken = false;
    }

    /// <summary>What a command works with; each takes the options of those before it too.</summary>
    private enum Scope
    {
        Output,
        ModelFile,
        Model,
        Sequences,
    }

    /// <summary>Adds --json only.</summary>
    public static CommonOptions ForOutput(ExampleCommand command) => new(command, Scope.Output);

    /// <summary>Adds --model and --json: what needs a model's file but runs no forward pass.</summary>
    public static CommonOptions ForModelFile(ExampleCommand command) => new(command, Scope.ModelFile);

    /// <summary>Adds everything but --kv.</summary>
    public static CommonOptions ForModel(ExampleCommand command) => new(command, Scope.Model);

    /// <summary>Adds everything.</summary>
    public static CommonOptions ForSequences(ExampleCommand command) => new(command, Scope.Sequences);

    /// <summary>Adds everything, for commands on stored documents: their default policy is another.</summary>
    public static CommonOptions ForDocuments(ExampleCommand command) => new(command, Scope.Sequences, LibraryOptions.DefaultPolicy);

    public bool Json(ParseResult parsed) => parsed.GetValue(_json);

    /// <summary>The option --seed, for commands that let it be changed.</summary>
    public Option SeedOption => _seed;

    /// <summary>The seed, or null where chance decides.</summary>
    public ulong? Seed(ParseResult parsed) => parsed.GetValue(_seed);

    /// <summary>The path or name given with --model, or null.</summary>
    public string? ModelName(ParseResult parsed) => parsed.GetValue(_model);

    public string ModelPath(ParseResult parsed, Terminal terminal) => ModelChoice.Resolve(ModelName(parsed), terminal);

    public ModelOptions ModelOptions(ParseResult parsed) => new()
    {
        Threads = parsed.GetValue(_threads),
        Compute = parsed.GetValue(_compute) == "float32" ? ComputeMode.Float32 : ComputeMode.Int8,
    };

    /// <summary>The chosen model; <paramref name="contextLength"/> tokens long at most where that is given.</summary>
    public Model LoadModel(ParseResult parsed, Terminal terminal, int contextLength = 0) =>
        Model.Load(ModelPath(parsed, terminal), ModelOptions(parsed) with { ContextLength = contextLength });

    /// <summary>The chosen model with its tokenizer read, for commands that take or give text; ids alone need none.</summary>
    public Model LoadTextModel(ParseResult parsed, Terminal terminal, int contextLength = 0)
    {
        Model model = LoadModel(parsed, terminal, contextLength);
        try
        {
            _ = model.Tokenizer;
        }
        catch
        {
            model.Dispose();
            throw;
        }

        // What reading the vocabulary left behind is as large as a small model's KV: give it back before that grows.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return model;
    }

    /// <summary>The policy given with --kv, or the command's default.</summary>
    /// <exception cref="InvalidInputException">More than one was given, or one that cannot be.</exception>
    public KvPolicy Policy(ParseResult parsed) => parsed.GetValue(_kv) switch
    {
        null or [] => _usual,
        [string one] => KvPolicy.Parse(one),
        _ => throw new InvalidInputException("--kv was given more than once; this command takes one policy"),
    };

    /// <summary>The policy given with --kv, or null.</summary>
    /// <inheritdoc cref="Policy"/>
    public KvPolicy? GivenPolicy(ParseResult parsed) => parsed.GetValue(_kv) is { Length: > 0 } ? Policy(parsed) : null;

    /// <summary>All policies given with --kv, as written; <paramref name="usual"/> where there is none.</summary>
    public IReadOnlyList<string> PolicyTexts(ParseResult parsed, string usual = "k=f16,v=f16") =>
        parsed.GetValue(_kv) is { Length: > 0 } texts ? texts : [usual];

    /// <summary>What policy texts mean for the loaded model.</summary>
    /// <exception cref="InvalidInputException">One that cannot be.</exception>
    public static IReadOnlyList<NamedPolicy> Policies(IEnumerable<string> texts, Model model, Terminal terminal) =>
        [.. texts.Select(text => new NamedPolicy(text, Prepare(KvPolicy.Parse(text), model, terminal)))];

    /// <summary>
    /// The policy as caches of the loaded model can be made with it; shows how far it is where <c>auto</c> has to measure the model first.
    /// </summary>
    /// <exception cref="InvalidInputException">The model cannot be kept so.</exception>
    public static KvPolicy Prepare(KvPolicy policy, Model model, Terminal terminal)
    {
        using var progress = new ProgressLine(terminal, "measuring");
        return model.Prepare(policy, progress, terminal.Interrupted);
    }
}
