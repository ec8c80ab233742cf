using Kvasir.Numerics;

namespace Kvasir.Models;

/// <summary>How matrix products are computed.</summary>
public enum ComputeMode
{
    /// <summary>Activations quantised to int8 per 32 columns, weights as stored.</summary>
    Int8,

    /// <summary>Dequantised weights and float32 activations: the reference maths to rounding; slow.</summary>
    Float32,
}

/// <summary>How a model is loaded.</summary>
public sealed record ModelOptions
{
    /// <summary>Threads of the forward pass; 0 means one per physical core.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// The longest sequence, in tokens; 0 means what the model's file says. More than that is possible with rotary positions, but not what
    /// the model was trained for.
    /// </summary>
    public int ContextLength { get; init; }

    /// <summary>How matrix products are computed.</summary>
    public ComputeMode Compute { get; init; }

    /// <summary>The kernels that the tests ask for; by default <see cref="KernelPaths.Choose()"/> does.</summary>
    internal KernelPath? Kernels { get; init; }
}
