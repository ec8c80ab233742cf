using Kvasir.Training.Optimization;

namespace Kvasir.Training.Runs;

/// <summary>How a model is trained.</summary>
internal sealed record TrainingSettings
{
    /// <summary>Sequences of a step.</summary>
    public required int Batch { get; init; }

    /// <summary>Tokens of a sequence.</summary>
    public required int Length { get; init; }

    /// <summary>Passes whose gradients are added up in a step, each over an equal part of the batch, for less memory.</summary>
    public int Passes { get; init; } = 1;

    public required int Steps { get; init; }

    /// <summary>The highest learning rate.</summary>
    public required float Rate { get; init; }

    /// <summary>Steps in which the rate rises.</summary>
    public required int WarmUp { get; init; }

    public float Decay { get; init; } = 0.1f;

    /// <summary>The largest norm of a step's gradients.</summary>
    public float Clip { get; init; } = 1;

    public OptimizerKind Optimizer { get; init; }

    public ulong Seed { get; init; } = 1;

    public int SequencesOfAPass => Batch / Passes;

    /// <exception cref="InvalidInputException">The batch cannot be divided so.</exception>
    public void Check()
    {
        if (Batch % Passes != 0)
            throw new InvalidInputException($"a batch of {Batch} sequences cannot be divided into {Passes} equal passes");
    }
}
