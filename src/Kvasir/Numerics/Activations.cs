namespace Kvasir.Numerics;

/// <summary>
/// The left side of matrix products, [tokens, columns]: the floats, and beside them the form that the weights'
/// kernels read (int8 per 32 columns with scale and sums), made by <see cref="Quantize"/>.
/// </summary>
internal sealed unsafe class Activations : IDisposable
{
    public Activations(int tokens, int columns) => throw new NotImplementedException();

    public int Tokens { get; }

    public int Columns { get; }

    /// <summary>The floats of one token, 64-byte aligned.</summary>
    public float* Row(int token) => throw new NotImplementedException();

    /// <summary>Makes the int8 form of columns [firstColumn, endColumn) (multiples of 32, or the end) of tokens [firstToken, endToken). Different ranges may be made by different threads at once.</summary>
    public void Quantize(int firstToken, int endToken, int firstColumn, int endColumn) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
