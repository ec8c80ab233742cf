using Kvasir.Generation;
using Kvasir.Models;

namespace Kvasir.Extensions.AI;

/// <summary>What <see cref="KvasirServices.AddKvasir"/> loads, and within which limits.</summary>
public sealed class KvasirOptions
{
    /// <summary>The language model: a GGUF file or a Hugging Face folder.</summary>
    public string ModelPath { get; set; } = "";

    /// <summary>The sentence encoder; null for none.</summary>
    public string? EncoderPath { get; set; }

    /// <summary>Threads and precision.</summary>
    public ModelOptions Model { get; set; } = new();

    /// <summary>How keys and values are kept, how many bytes they may take, how many generations run and wait.</summary>
    public EngineOptions Engine { get; set; } = new();
}
