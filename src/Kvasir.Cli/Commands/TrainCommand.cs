using Kvasir.Numerics;
using Kvasir.Quantization;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Optimization;
using Kvasir.Training.Runs;

namespace Kvasir.Cli.Commands;

/// <summary><c>train</c>: a small model from scratch, with full or thin keys.</summary>
internal sealed class TrainCommand
{
    private static readonly TimeSpan s_betweenCheckpoints = TimeSpan.FromMinutes(1);
    private static readonly ScratchSettings s_usual = new();

    private readonly ExampleCommand _command = new(
        "train", "Train a small llama-type model from scratch on texts, its vocabulary included.",
        "kvasir train --text book.txt --out book.gguf",
        "kvasir train --text a.txt b.txt --eval-text c.txt --thin 25% --steps 2000 --out thin.gguf",
        "kvasir train --text book.txt --out book.gguf --resume");

    private readonly Option<string[]> _texts;
    private readonly Option<string?> _evalText, _init;
    private readonly Option<string> _output, _thin, _type, _optimizer;
    private readonly Option<bool> _demonstration, _recall, _resume;
    private readonly Option<int> _width, _layers, _heads, _kvHeads, _feedForward, _vocabulary, _context;
    private readonly Option<int> _steps, _batch, _passes, _warmUp, _validate, _threads;
    private readonly Option<float> _rate, _ropeBase;
    private readonly Option<ulong> _seed;
    private readonly CommonOptions _common;

    private TrainCommand()
    {
        _texts = _command.Option<string[]>("--text -f", "FILE…", "What to learn from");
        _texts.AllowMultipleArgumentsPerToken = true;
        _demonstration = _command.Flag("--demonstration", "Learn from made-up documents with questions, as the built-in model did");
        _output = _command.Required("--out -o", "M.gguf", "Write the model there, and beside it the loss curve");
        _evalText = _command.Option<string?>("--eval-text", "FILE", "Validate on this text (default: the last twentieth of each text)");
        _thin = _command.Option("--thin", "SHARE%|N", "Channels of a key, as a share of a value's or as a number", "100%");
        _init = _command.Option<string?>(
            "--init", "M.gguf", "Go on with a model that was trained here; its sizes stay, and without --vocab its vocabulary");
        _width = Size("--width", "Width of the residual stream", s_usual.Width, 8, 1 << 14);
        _layers = Size("--layers", "Layers", s_usual.Layers, 1, 256);
        _heads = Size("--heads", "Query heads (default: one for 64 channels)", 0, 0, 256);
        _kvHeads = Size("--kv-heads", "Key-value heads (default: as many as query heads)", 0, 0, 256);
        _feedForward = Size("--ffn", "Width of the feed-forward layer (default: 8/3 of the width)", 0, 0, 1 << 16);
        _vocabulary = Size("--vocab", "Tokens of the vocabulary, at most", s_usual.Vocabulary, 257, 1 << 18);
        _context = Size("--context", "Tokens of a sequence", s_usual.Context, 2, 1 << 16);
        _steps = Size("--steps", "Steps", s_usual.Steps, 1, int.MaxValue);
        _batch = Size("--batch", "Sequences of a step", s_usual.Batch, 1, 1 << 16);
        _passes = Size("--passes", "Compute a step in N parts one after another, for less memory", 1, 1, 1 << 16);
        _warmUp = Size("--warm-up", "Steps in which the learning rate rises (default: a twentieth)", 0, 0, int.MaxValue);
        _optimizer = _command.Choice("--optimizer", "adamw|muon", "How weights follow their gradients");
        _rate = _command.Option("--lr", "R", "Highest learning rate", s_usual.Rate).InRange(float.Epsilon, 1f);
        _ropeBase = _command.Option("--rope-base", "B", "Base of the rotation's frequencies", (float)s_usual.RopeBase).InRange(10f, 1e9f);
        _recall = _command.Flag("--recall", "Begin with heads that find earlier tokens again, for a model that answers from its prompt");
        _seed = _command.Option("--seed", "N", "The same seed gives the same model", s_usual.Seed).InRange(0UL, ulong.MaxValue);
        _validate = _command.Option("--validate", "N", "Validate after every N steps too (default: only at the end)", 0)
            .InRange(0, int.MaxValue);
        _type = _command.Choice("--type", "f16|q8_0|f32", "How matrices are written");
        _threads = _command.Option<int>("--threads -t", "N", "Threads (default: one per physical core)").InRange(0, 1024);
        _resume = _command.Flag("--resume", "Go on where a training that was interrupted has stopped");
        _common = CommonOptions.ForOutput(_command);
    }

    public static Command Create(Terminal terminal)
    {
        var train = new TrainCommand();
        return train._command.Does(parsed => train.Run(parsed, terminal));
    }

    private Option<int> Size(string name, string description, int usual, int least, int most) =>
        _command.Option(name, "N", description, usual).InRange(least, most);

    private void Run(ParseResult parsed, Terminal terminal)
    {
        string path = parsed.GetValue(_output)!, checkpoint = path + ".checkpoint";
        bool resume = parsed.GetValue(_resume);
        OutputPath.Check(path);
        if (resume && !File.Exists(checkpoint))
            throw new InvalidInputException($"{checkpoint}: there is no such checkpoint; leave --resume out to begin anew");
        ScratchSettings settings = Settings(parsed);
        int threads = parsed.GetValue(_threads) is > 0 and var given ? given : PhysicalCores.Count();
        TrainedModel? begin = parsed.GetValue(_init) is { } init ? Begin(init, parsed) : null;
        bool learnsVocabulary = parsed.GetResult(_vocabulary) is { Implicit: false };
        ScratchSource source = Source(parsed, settings, learnsVocabulary ? null : begin?.Vocabulary, goesOn: begin is not null);
        if (learnsVocabulary) begin = begin?.With(source.Vocabulary);
        using var training = new ScratchTraining(source, settings, threads, begin?.Model);
        if (resume) training.Resume(checkpoint);
        using var curve = new LossCurve(path, training.Trainer.Steps);
        bool json = _common.Json(parsed);
        var done = new TrainingProgress(training.Trainer, settings.Steps, curve, terminal, json)
        {
            ValidateEvery = parsed.GetValue(_validate),
            Validation = training.Validate,
        };
        done.Run(() => training.Save(checkpoint), s_betweenCheckpoints);
        training.Export(path, parsed.GetValue(_type) switch { "q8_0" => TensorType.Q8_0, "f32" => TensorType.F32, _ => TensorType.F16 });
        curve.Draw();
        Validated validated = training.Validate();
        File.Delete(checkpoint);
        if (json)
            terminal.WriteJson(new
            {
                Done = true,
                ValidationPerplexity = Units.Rounded(validated.Perplexity, 6),
                ValidationAccuracy = validated.Accuracy,
                Path = path,
                training.Parameters,
                SecondsPerStep = Units.Rounded(done.SecondsPerStep, 4),
            });
        else
            terminal.Out.WriteLine($"{path}: {training.Parameters:#,0} parameters, {TrainingProgress.Shown(validated)} after "
                + $"{Units.Count(settings.Steps, "step")} of {done.SecondsPerStep:0.000} s; loss curve in {curve.Drawing}");
    }

    /// <summary>The model to go on with; what it settles cannot be asked for too.</summary>
    private TrainedModel Begin(string path, ParseResult parsed)
    {
        Option[] settled = [_width, _layers, _heads, _kvHeads, _feedForward, _thin, _ropeBase, _recall];
        if (Array.Find(settled, option => parsed.GetResult(option) is { Implicit: false }) is { } other)
            throw new InvalidInputException($"the model of --init keeps its sizes and begins with its own weights; leave {other.Name} out");
        return TrainedModel.Read(path);
    }

    private ScratchSource Source(ParseResult parsed, ScratchSettings settings, BpeVocabulary? vocabulary, bool goesOn)
    {
        string[] texts = parsed.GetValue(_texts) ?? [];
        if (parsed.GetValue(_demonstration) == texts.Length > 0)
            throw new InvalidInputException("give texts to learn from (--text FILE), or --demonstration, one of both");
        string? evalText = parsed.GetValue(_evalText) is { } file ? TextInput.ReadFile(file) : null;
        return texts.Length > 0 ? new TextSource([.. texts.Select(TextInput.ReadFile)], evalText, settings, vocabulary)
            : new DemonstrationSource(settings, vocabulary, goesOn);
    }

    private ScratchSettings Settings(ParseResult parsed)
    {
        var settings = new ScratchSettings
        {
            Width = parsed.GetValue(_width),
            Layers = parsed.GetValue(_layers),
            Heads = parsed.GetValue(_heads),
            KvHeads = parsed.GetValue(_kvHeads),
            FeedForward = parsed.GetValue(_feedForward),
            Vocabulary = parsed.GetValue(_vocabulary),
            Context = parsed.GetValue(_context),
            Steps = parsed.GetValue(_steps),
            Batch = parsed.GetValue(_batch),
            Passes = parsed.GetValue(_passes),
            Optimizer = parsed.GetValue(_optimizer) == "muon" ? OptimizerKind.Muon : OptimizerKind.AdamW,
            Rate = parsed.GetValue(_rate),
            WarmUp = parsed.GetValue(_warmUp),
            Seed = parsed.GetValue(_seed),
            RopeBase = parsed.GetValue(_ropeBase),
            BeginsWithRecall = parsed.GetValue(_recall),
        };
        settings.Training().Check();
        return settings with { KeyShare = Share(parsed.GetValue(_thin)!, settings.Shape(settings.Vocabulary).ValueSize) };
    }

    /// <summary>A share of a value's channels, or their number.</summary>
    private static double Share(string text, int channels)
    {
        bool percent = text.EndsWith('%');
        bool isNumber = double.TryParse(percent ? text[..^1] : text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number);
        double share = percent ? number / 100 : number / channels;
        return isNumber && share is > 0 and <= 1 ? share
            : throw new InvalidInputException($"--thin {text}: give a share above 0% and at most 100%, or 1 to {channels} channels");
    }
}
