using Kvasir.Numerics;

namespace Kvasir.Cache;

/// <summary>Codecs by their names in the policy grammar.</summary>
internal static class Codecs
{
    /// <exception cref="InvalidInputException">No such codec.</exception>
    public static KeyCodec Keys(string name, AttentionKernels kernels) => name switch
    {
        "f32" => new FloatKeys(kernels),
        "f16" => new HalfKeys(kernels),
        _ => throw new InvalidInputException($"key codec '{name}' is unknown to this version"),
    };

    /// <exception cref="InvalidInputException">No such codec.</exception>
    public static ValueCodec Values(string name, AttentionKernels kernels) => name switch
    {
        "f32" => new FloatValues(kernels),
        "f16" => new HalfValues(kernels),
        _ => throw new InvalidInputException($"value codec '{name}' is unknown to this version"),
    };
}
