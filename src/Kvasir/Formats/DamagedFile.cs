namespace Kvasir.Formats;

/// <summary>Errors about files whose own text (names, keys) stands in the message: kept to one line of bounded length.</summary>
internal static class DamagedFile
{
    private const int MaxLength = 400;

    public static InvalidInputException Experts(string path) =>
        new($"{path}: a mixture of experts (MoE), which is not supported; use a dense model of the same family");

    public static InvalidInputException Error(string path, string problem, Exception? cause = null)
    {
        string line = string.Concat(Shortened(problem).Select(c => char.IsControl(c) ? ' ' : c));
        return cause == null ? new InvalidInputException($"{path}: {line}") : new InvalidInputException($"{path}: {line}", cause);
    }

    /// <summary>A problem of bounded length: the middle of a longer one goes. JSON's own errors may quote a whole file.</summary>
    public static string Shortened(string problem, int most = MaxLength) => problem.Length <= most
        ? problem : $"{problem.AsSpan(0, most / 2)} … {problem.AsSpan(problem.Length - (most / 2))}";
}
