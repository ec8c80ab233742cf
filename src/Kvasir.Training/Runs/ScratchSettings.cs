using Kvasir.Training.Models;
using Kvasir.Training.Optimization;

namespace Kvasir.Training.Runs;

/// <summary>What <see cref="ScratchTraining"/> makes: sizes of the model, and its training. Sizes of 0 follow from the others.</summary>
internal sealed record ScratchSettings
{
    private const int UsualHead = 64, SizeStep = 32;

    public int Width { get; init; } = 192;

    public int Layers { get; init; } = 4;

    /// <summary>By default one for 64 channels.</summary>
    public int Heads { get; init; }

    /// <summary>By default as many as <see cref="Heads"/>.</summary>
    public int KvHeads { get; init; }

    /// <summary>By default 8/3 of the width.</summary>
    public int FeedForward { get; init; }

    /// <summary>Tokens of the vocabulary that is learned, at most.</summary>
    public int Vocabulary { get; init; } = 4096;

    public int Context { get; init; } = 256;

    /// <summary>Channels of a key as a share of a value's: below 1 keys are thin.</summary>
    public double KeyShare { get; init; } = 1;

    /// <summary>What the slowest pair of channels turns by is one over this, nearly: larger for longer memory.</summary>
    public double RopeBase { get; init; } = 10000;

    /// <summary>Whether it begins with heads that find earlier tokens (<see cref="Models.RecallInitialization"/>).</summary>
    public bool BeginsWithRecall { get; init; }

    public int Steps { get; init; } = 500;

    public int Batch { get; init; } = 16;

    public int Passes { get; init; } = 1;

    public float Rate { get; init; } = 2e-3f;

    /// <summary>By default a twentieth of the steps.</summary>
    public int WarmUp { get; init; }

    public OptimizerKind Optimizer { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <exception cref="InvalidInputException">Sizes that do not fit together.</exception>
    public LlamaShape Shape(int vocabulary)
    {
        int heads = Heads > 0 ? Heads : Math.Max(1, Width / UsualHead);
        if (Width % heads != 0)
            throw new InvalidInputException($"a width of {Width} cannot be divided into {heads} heads; give a multiple");
        int value = Width / heads, key = KeyShare == 1 ? value : Math.Max(2, 2 * (int)Math.Round(value * KeyShare / 2));
        var shape = new LlamaShape
        {
            Vocabulary = vocabulary,
            Width = Width,
            Layers = Layers,
            Heads = heads,
            KvHeads = KvHeads > 0 ? KvHeads : heads,
            KeySize = key,
            ValueSize = value,
            FeedForward = FeedForward > 0 ? FeedForward : Math.Max(SizeStep, Width * 8 / 3 / SizeStep * SizeStep),
            Context = Context,
            RopeBase = RopeBase,
        };
        shape.Check();
        return shape;
    }

    public TrainingSettings Training() => new()
    {
        Batch = Batch,
        Length = Context,
        Passes = Passes,
        Steps = Steps,
        Rate = Rate,
        WarmUp = WarmUp > 0 ? WarmUp : Math.Max(1, Steps / 20),
        Optimizer = Optimizer,
        Seed = Seed,
    };
}
