namespace Kvasir.Cli.Measuring;

/// <summary>Which parts of a text are scored, and how: see the options of <c>ppl</c>.</summary>
internal sealed class PplProtocol
{
    /// <summary>The longest part of a window, and the most windows, that can be asked for.</summary>
    public const int MaxTokens = 1 << 24;

    private readonly int? _windows;
    private readonly int[]? _starts;

    /// <exception cref="InvalidInputException">Options that exclude each other.</exception>
    public PplProtocol(int? window, int? prefill, int? score, int? windows, string? starts)
    {
        if (prefill is null && score is not null) throw new InvalidInputException("--score needs --prefill");
        if (prefill is not null && window is not null)
            throw new InvalidInputException("--window and --prefill exclude each other; give one of them");
        if (windows is not null && starts is not null)
            throw new InvalidInputException("--windows and --starts exclude each other; give one of them");
        Decodes = prefill is not null;
        Prefill = prefill ?? 0;
        Score = score ?? 128;
        Length = Decodes ? Prefill + Score + 1 : window ?? 512;
        _windows = windows;
        _starts = starts is null ? null : IdList.Parse(starts, "--starts");
    }

    public bool Decodes { get; }

    public int Prefill { get; }

    public int Score { get; }

    /// <summary>Ids that one window needs: with --prefill one more than are fed, for the last prediction.</summary>
    public int Length { get; }

    /// <summary>Where windows start: as told, else one after another with --window, evenly over the text with --prefill.</summary>
    /// <exception cref="InvalidInputException">The text or the context is too short.</exception>
    public IReadOnlyList<int> Places(int tokens, int contextLength, string name)
    {
        CheckFits(contextLength);
        if (tokens < Length)
            throw new InvalidInputException($"{name}: {tokens} tokens, but a window needs {Length}; give a longer text or smaller windows");
        if (_starts is not null)
        {
            int late = Array.FindIndex(_starts, start => start > tokens - Length);
            return late < 0 ? _starts
                : throw new InvalidInputException(
                $"--starts {_starts[late]}: a window of {Length} tokens from there passes the end of {name} ({tokens} tokens)");
        }

        int fitting = tokens / Length;
        int count = _windows ?? (Decodes ? Math.Min(8, fitting) : fitting);
        if (count > fitting)
            throw new InvalidInputException($"{name}: {tokens} tokens are {fitting} windows of {Length}, but {count} were asked for");
        return [.. Enumerable.Range(0, count).Select(i => Decodes ? (int)((long)i * tokens / count) : i * Length)];
    }

    /// <summary>The windows of a text, cut at <see cref="Places"/>.</summary>
    /// <exception cref="InvalidInputException">The text or the context is too short.</exception>
    public IReadOnlyList<int[]> Windows(int[] ids, int contextLength, string name) =>
        [.. Places(ids.Length, contextLength, name).Select(start => ids[start..(start + Length)])];

    /// <summary>Windows that the model writes itself, 8 where no number was given.</summary>
    /// <exception cref="InvalidInputException">The context is too short.</exception>
    public IReadOnlyList<int[]> Windows(Model model, int contextLength, ulong seed, CancellationToken cancellation)
    {
        CheckFits(contextLength);
        return CalibrationText.Write(model, _windows ?? 8, Length, seed, cancellation);
    }

    private void CheckFits(int contextLength)
    {
        int fed = Decodes ? Length - 1 : Length;
        if (fed > contextLength)
            throw new InvalidInputException($"a window needs {fed} tokens, but the model's context holds {contextLength}");
    }
}
