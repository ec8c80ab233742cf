using Kvasir.Numerics;
using Kvasir.Training.Models;
using Kvasir.Training.Runs;

namespace Kvasir.Cli.Commands;

/// <summary>The options of <c>factor --finetune</c>, and the tuning itself.</summary>
internal sealed class FactorTuningOptions
{
    /// <summary>What a model writes itself where no text is given.</summary>
    private const int OwnTexts = 64, OwnTokens = 512;

    private static readonly TimeSpan s_betweenCheckpoints = TimeSpan.FromMinutes(2);

    private readonly Option<bool> _tune, _resume;
    private readonly Option<int> _steps, _batch;
    private readonly Option<float> _rate;
    private readonly Option<string> _loss;

    public FactorTuningOptions(ExampleCommand command)
    {
        var usual = new TuningSettings { Steps = 300 };
        _tune = command.Flag("--finetune", "Then train W_Q and the factors, so that the model with thin keys says what the full one says");
        _steps = command.Option("--steps", "N", "With --finetune: steps", usual.Steps).InRange(1, int.MaxValue);
        string batch = $"With --finetune: sequences of {TuningSettings.UsualLength} tokens a step";
        _batch = command.Option("--batch", "N", batch, usual.Batch).InRange(1, 1024);
        _rate = command.Option("--lr", "R", "With --finetune: highest learning rate", usual.Rate).InRange(float.Epsilon, 1f);
        _loss = command.Choice(
            "--loss", "kl|ce", "With --finetune: kl, the divergence from the full model, or ce, the likelihood of the text");
        _resume = command.Flag("--resume", "With --finetune: go on where a tuning that was interrupted has stopped");
    }

    public bool IsWanted(ParseResult parsed) => parsed.GetValue(_tune);

    /// <summary>Tunes factors on a text, or on texts of the model's own, and writes them; what was written.</summary>
    /// <exception cref="InvalidInputException">A model or factors of a kind that cannot be tuned, or too short a text.</exception>
    public KeyFactors Run(ParseResult parsed, Model model, KeyFactors start, string? text, string path, Terminal terminal)
    {
        string checkpoint = path + ".checkpoint";
        bool resume = parsed.GetValue(_resume);
        if (resume && !File.Exists(checkpoint))
            throw new InvalidInputException($"{checkpoint}: there is no such checkpoint; leave --resume out to begin anew");
        var settings = new TuningSettings
        {
            Steps = parsed.GetValue(_steps),
            Batch = parsed.GetValue(_batch),
            Length = Math.Min(TuningSettings.UsualLength, model.Config.ContextLength),
            Rate = parsed.GetValue(_rate),
            CrossEntropy = parsed.GetValue(_loss) == "ce",
        };
        int threads = model.Options.Threads > 0 ? model.Options.Threads : PhysicalCores.Count();
        using var tuning = new FactorTuning(LlamaImport.Read(model.Path), start, Tokens(model, text, terminal), settings, threads);
        if (resume) tuning.Resume(checkpoint);
        using var curve = new LossCurve(path, tuning.Trainer.Steps);
        new TrainingProgress(tuning.Trainer, settings.Steps, curve, terminal, json: false)
            .Run(() => tuning.Save(checkpoint), s_betweenCheckpoints);
        curve.Draw();
        KeyFactors tuned = tuning.Write(path);
        File.Delete(checkpoint);
        return tuned;
    }

    private static int[] Tokens(Model model, string? text, Terminal terminal)
    {
        if (text is not null) return model.Tokenizer.Encode(text, parseSpecial: false);
        terminal.Note("the model writes the texts that it is tuned on");
        int length = Math.Min(OwnTokens, model.Config.ContextLength);
        return [.. CalibrationText.Write(model, OwnTexts, length, seed: 2, terminal.Interrupted).SelectMany(ids => ids)];
    }
}
