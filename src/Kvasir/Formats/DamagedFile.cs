namespace Kvasir.Formats;

/// <summary>Errors about files whose own text (names, keys) stands in the message: kept to one line of bounded length.</summary>
internal static class DamagedFile
{
    private const int MaxLength = 400;

    public static InvalidInputException Experts(string path) =>
        new($"{path}: a mixture of experts (MoE), which is not supported; use a dense model of the same family");

    public static InvalidInputException Error(string path, string problem, Exception? cause = null)
    {
        string line = string.Concat(problem.Select(c => char.IsControl(c) ? ' ' : c));
        if (line.Length > MaxLength) line = $"{line.AsSpan(0, MaxLength / 2)} … {line.AsSpan(line.Length - (MaxLength / 2))}";
        return cause == null ? new InvalidInputException($"{path}: {line}") : new InvalidInputException($"{path}: {line}", cause);
    }
}
