namespace Kvasir.Training.Runs;

/// <summary>How factors of a model's keys are fine-tuned.</summary>
internal sealed record TuningSettings
{
    public const int UsualLength = 256;

    public required int Steps { get; init; }

    public int Batch { get; init; } = 2;

    /// <summary>Tokens of a sequence.</summary>
    public int Length { get; init; } = UsualLength;

    /// <summary>The share of places whose distributions are compared.</summary>
    public double Places { get; init; } = 0.375;

    public float Rate { get; init; } = 3e-4f;

    /// <summary>Whether the text is to be predicted, instead of what the full model says of it.</summary>
    public bool CrossEntropy { get; init; }

    public ulong Seed { get; init; } = 1;

    public TrainingSettings Training() => new()
    {
        Batch = Batch,
        Length = Length,
        Steps = Steps,
        Rate = Rate,
        WarmUp = Math.Max(1, Steps / 20),
        Decay = 0,
        Seed = Seed,
    };
}
