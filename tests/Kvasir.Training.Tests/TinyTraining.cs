using Kvasir.Models;
using Kvasir.Numerics;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;
using Kvasir.Training.Runs;

namespace Kvasir.Training.Tests;

/// <summary>A model of a few thousand weights and a text that it can learn.</summary>
internal static class TinyTraining
{
    public const int Length = 12;

    public static LlamaShape Shape { get; } = new()
    {
        Vocabulary = 40,
        Width = 24,
        Layers = 2,
        Heads = 4,
        KvHeads = 2,
        KeySize = 6,
        ValueSize = 6,
        FeedForward = 40,
        Context = 32,
    };

    public static LlamaShape Thin { get; } = Shape with { KeySize = 2, Tied = false };

    public static TrainingSettings Settings { get; } = new() { Batch = 4, Length = Length, Steps = 30, Rate = 0.01f, WarmUp = 3 };

    public static int[] Text { get; } = [.. Enumerable.Range(0, 500).Select(i => (i * i + i / 3) % 13 + i % 2 * 13)];

    public static LlamaModel Model(LlamaShape shape, LlamaParameters parameters, int sequences, int length = Length, bool trains = true)
    {
        var rotary = new Rotary(RotaryFrequencies.Plain(shape.RopeBase, shape.KeySize), interleaved: true);
        return new LlamaModel(shape, parameters, rotary, sequences, length, trains);
    }

    public static Trainer Trainer(LlamaShape shape, TrainingSettings settings, Crew crew) => new(
        settings, Model(shape, LlamaParameters.Initial(shape, settings.Seed), settings.SequencesOfAPass),
        new TextWindows(Text, settings.Length, settings.Seed), crew);

    public static float[] State(Trainer trainer) => [.. trainer.Optimizer.State.SelectMany(values => values)];
}
