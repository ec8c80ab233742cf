using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Runs;

/// <summary>What a model of its own is made from: a vocabulary, sequences to learn from, and what is kept to see what came of it.</summary>
internal abstract class ScratchSource
{
    public abstract BpeVocabulary Vocabulary { get; }

    public abstract TrainingData Data { get; }

    /// <summary>Names what is learned, so that a training goes on with the same only.</summary>
    public abstract string Identity { get; }

    /// <summary>How a conversation is written for such a model; null where it only continues texts.</summary>
    public virtual string? ChatTemplate => null;

    /// <summary>How well a model does on what is not learned.</summary>
    public abstract Validated Validate(LlamaModel model, Crew crew);
}

/// <summary>What a validation found.</summary>
/// <param name="Perplexity">Of the tokens that count.</param>
/// <param name="Accuracy">The share of questions whose whole answer is the most likely one, where there are questions.</param>
internal readonly record struct Validated(double Perplexity, double? Accuracy = null);
