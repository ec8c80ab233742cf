using Kvasir.Training.Models;

namespace Kvasir.Training.Optimization;

/// <summary>The numbers of some parameters, cut into pieces of one size: tasks that do not depend on how many threads there are.</summary>
internal sealed class ParameterChunks(IReadOnlyList<Parameter> parameters)
{
    /// <summary>Floats of a piece.</summary>
    private const int Size = 1 << 14;

    private readonly (int Parameter, int First)[] _chunks = [.. parameters.SelectMany((parameter, index) =>
        Enumerable.Range(0, (parameter.Values.Length + Size - 1) / Size).Select(chunk => (index, chunk * Size)))];

    public int Count => _chunks.Length;

    /// <summary>The parameter that a piece is of.</summary>
    public Parameter Parameter(int chunk) => parameters[ParameterIndex(chunk)];

    public int ParameterIndex(int chunk) => _chunks[chunk].Parameter;

    /// <summary>A piece of something that has as many numbers as its parameter.</summary>
    public Span<float> Of(int chunk, float[] numbers)
    {
        int first = _chunks[chunk].First;
        return numbers.AsSpan(first, Math.Min(Size, numbers.Length - first));
    }
}
