namespace Kvasir.Training.Models;

/// <summary>
/// Sizes of a llama-type model: RMS norms, rotary positions, grouped heads, SwiGLU. Keys and queries may be thinner than values: then
/// their rotation acts on the thin dimensions ("Thin Keys, Full Values").
/// </summary>
internal sealed record LlamaShape
{
    public required int Vocabulary { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Width { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KvHeads { get; init; }

    /// <summary>Channels of a query and of a key.</summary>
    public required int KeySize { get; init; }

    /// <summary>Channels of a value.</summary>
    public required int ValueSize { get; init; }

    public required int FeedForward { get; init; }

    /// <summary>The longest sequence that the model is made for.</summary>
    public required int Context { get; init; }

    /// <summary>The output matrix is the embedding.</summary>
    public bool Tied { get; init; } = true;

    public float Epsilon { get; init; } = 1e-5f;

    public double RopeBase { get; init; } = 10000;

    public int QueryWidth => Heads * KeySize;

    public int KeyWidth => KvHeads * KeySize;

    public int ValueWidth => KvHeads * ValueSize;

    public int OutputWidth => Heads * ValueSize;

    /// <exception cref="InvalidInputException">Sizes that do not fit together; the line says which.</exception>
    public void Check()
    {
        if (Heads % KvHeads != 0)
            throw new InvalidInputException($"{Heads} query heads cannot share {KvHeads} key-value heads; give a divisor");
        if (KeySize < 2 || KeySize % 2 != 0)
            throw new InvalidInputException($"a key of {KeySize} channels cannot be rotated; give an even size of 2 or more");
        if (ValueSize < 1) throw new InvalidInputException($"a width of {Width} is too small for {Heads} heads");
    }
}
