using System.Globalization;

namespace Kvasir.Formats;

/// <summary>
/// How one Hugging Face model type is called in GGUF's terms: its architecture name, its modules' names,
/// and what its configuration leaves out. Adding a model type is adding one of these to <see cref="HfArchitectures"/>.
/// </summary>
internal sealed record HfArchitecture
{
    /// <summary>The architecture in GGUF.</summary>
    public required string Name { get; init; }

    /// <summary>Values of config.json's <c>model_type</c>.</summary>
    public required IReadOnlyList<string> ModelTypes { get; init; }

    /// <summary>What stands before the names of all layers; the first that fits is cut off. The last is usually empty.</summary>
    public required IReadOnlyList<string> Prefixes { get; init; }

    /// <summary>What stands before a layer's number (<c>layers.</c>).</summary>
    public required string BlockStem { get; init; }

    /// <summary>Modules outside the layers.</summary>
    public required IReadOnlyDictionary<string, string> Modules { get; init; }

    /// <summary>Modules of one layer.</summary>
    public required IReadOnlyDictionary<string, string> BlockModules { get; init; }

    /// <summary>Tensors that a model does without: their names contain one of these.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Activation functions that the architecture's GGUF form implies.</summary>
    public required IReadOnlyList<string> Activations { get; init; }

    /// <summary>Values of absent settings, as the model type defines them.</summary>
    public IReadOnlyDictionary<string, double> Defaults { get; init; } = new Dictionary<string, double>();

    /// <summary>Whether norms store w where GGUF stores 1 + w.</summary>
    public bool NormsLackOne { get; init; }

    /// <summary>Whether matrices are stored [inputs, outputs] (Conv1D).</summary>
    public bool Transposed { get; init; }

    /// <summary>Whether the output matrix is the embedding where the configuration does not say.</summary>
    public bool Tied { get; init; }

    /// <summary>Whether a sliding window counts only where <c>use_sliding_window</c> is true, and from layer <c>max_window_layers</c> on.</summary>
    public bool WindowIsOptional { get; init; }

    /// <summary>Whether positions are turned into rotations.</summary>
    public bool Rotary { get; init; } = true;

    /// <summary>Whether norms are RMS norms (else LayerNorms).</summary>
    public bool RmsNorm { get; init; } = true;

    /// <summary>The GGUF name of a tensor (<c>blk.3.attn_q.weight</c>), null for one that is not needed.</summary>
    /// <exception cref="InvalidInputException">The name is not one of this architecture's.</exception>
    public string? Translate(string path, string name)
    {
        if (Ignored.Any(part => name.Contains(part, StringComparison.Ordinal))) return null;
        string prefix = Prefixes.First(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
        ReadOnlySpan<char> rest = name.AsSpan(prefix.Length);
        IReadOnlyDictionary<string, string> modules = Modules;
        string block = "";
        if (rest.StartsWith(BlockStem) && rest[BlockStem.Length..] is var numbered && numbered.IndexOf('.') is var digits and > 0)
        {
            if (!int.TryParse(numbered[..digits], NumberStyles.None, null, out int layer)) throw Unknown(path, name);
            block = $"blk.{layer}.";
            modules = BlockModules;
            rest = numbered[(digits + 1)..];
        }
        int dot = rest.LastIndexOf('.');
        if (dot < 0 || !modules.TryGetValue(rest[..dot].ToString(), out string? module)) throw Unknown(path, name);
        return rest[(dot + 1)..] switch
        {
            "weight" or "gamma" => $"{block}{module}.weight",
            "bias" or "beta" => $"{block}{module}.bias",
            _ => throw Unknown(path, name),
        };
    }

    private InvalidInputException Unknown(string path, string name) =>
        DamagedFile.Error(path, $"tensor '{name}' does not belong to a {Name} model as known here; convert the model to GGUF instead");
}
