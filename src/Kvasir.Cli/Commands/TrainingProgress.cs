using Kvasir.Training.Runs;

namespace Kvasir.Cli.Commands;

/// <summary>Goes through the steps of a training, shows how far it is, and keeps checkpoints, one when it is interrupted too.</summary>
internal sealed class TrainingProgress(Trainer trainer, int steps, LossCurve curve, Terminal terminal, bool json)
{
    private double _seconds;
    private int _done;

    /// <summary>Steps between two validations; 0 for none.</summary>
    public int ValidateEvery { get; init; }

    public Func<Validated>? Validation { get; init; }

    public double SecondsPerStep => _done == 0 ? 0 : _seconds / _done;

    /// <exception cref="OperationCanceledException">Interrupted; a checkpoint was kept.</exception>
    public void Run(Action keep, TimeSpan betweenCheckpoints)
    {
        using var progress = new ProgressLine(terminal, "training");
        long kept = Stopwatch.GetTimestamp();
        while (trainer.Steps < steps)
        {
            bool interrupted = terminal.Interrupted.IsCancellationRequested;
            if (interrupted || Stopwatch.GetElapsedTime(kept) > betweenCheckpoints)
            {
                keep();
                kept = Stopwatch.GetTimestamp();
            }
            terminal.Interrupted.ThrowIfCancellationRequested();
            Step(progress);
            if (ValidateEvery > 0 && trainer.Steps % ValidateEvery == 0 && Validation is { } validation) Show(validation());
        }
    }

    public static string Shown(Validated validated) => $"validation perplexity {validated.Perplexity:0.00}"
        + (validated.Accuracy is { } accuracy ? $", {accuracy:0.0%} of the questions answered" : "");

    private void Show(Validated validated)
    {
        if (json)
            terminal.WriteJson(new
            {
                Step = trainer.Steps,
                ValidationPerplexity = Units.Rounded(validated.Perplexity, 6),
                ValidationAccuracy = validated.Accuracy,
            });
        else terminal.Note($"after {Units.Count(trainer.Steps, "step")}: {Shown(validated)}");
    }

    private void Step(ProgressLine progress)
    {
        long started = Stopwatch.GetTimestamp();
        double loss = trainer.Step(), seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        if (!double.IsFinite(loss))
            throw new InvalidInputException(
                $"the loss is no longer a number at step {trainer.Steps}; give a lower --lr or a longer --warm-up");
        (_seconds, _done) = (_seconds + seconds, _done + 1);
        var step = new TrainedStep(
            trainer.Steps, Units.Rounded(loss, 5), Units.Rounded(trainer.TokensOfAStep / seconds, 1),
            Units.Rounded(trainer.LearningRate, 8));
        curve.Add(step);
        if (json) terminal.WriteJson(step);
        progress.Report(trainer.Steps, steps, $"loss {loss:0.000}, {step.TokensPerSecond:0} tokens/s");
    }
}
