namespace Kvasir.Training.Models;

/// <summary>Sequences of one length: what is read, what is to come next, and what each place counts in the loss.</summary>
internal sealed class TokenBatch(int sequences, int length)
{
    public int Sequences { get; } = sequences;

    public int Length { get; } = length;

    public int Rows => Sequences * Length;

    /// <summary>[sequences, length].</summary>
    public int[] Ids { get; } = new int[sequences * length];

    /// <summary>The token after each of <see cref="Ids"/>.</summary>
    public int[] Targets { get; } = new int[sequences * length];

    /// <summary>The weight of each place in the loss; 0 where it is not to be learned.</summary>
    public float[] Weights { get; } = new float[sequences * length];
}
