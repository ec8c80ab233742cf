namespace Kvasir.Cli.Commands;

/// <summary>What a stream of questions took in all.</summary>
internal sealed class QuestionSummary(IReadOnlyList<Answer> answers, AskCosts costs)
{
    private readonly List<double> _firstToken =
        [.. answers.Where(answer => answer.Error is null).Select(answer => answer.TimeToFirstToken.TotalMilliseconds).Order()];

    private double Seconds => costs.TotalElapsed.TotalSeconds;

    private double CpuSeconds => costs.TotalCpu.TotalSeconds;

    private double MeanFirstToken => _firstToken.DefaultIfEmpty().Average();

    private double MedianFirstToken => _firstToken.Count == 0
        ? 0
        : (_firstToken[(_firstToken.Count - 1) / 2] + _firstToken[_firstToken.Count / 2]) / 2;

    /// <summary>For <c>--json</c>.</summary>
    public object Figures() => new
    {
        Questions = answers.Count,
        Errors = answers.Count(answer => answer.Error is not null),
        Seconds = Units.Rounded(Seconds),
        QuestionsPerSecond = Units.Rounded(PerSecond(answers.Count)),
        CpuSeconds = Units.Rounded(CpuSeconds),
        CpuSecondsPerQuestion = Units.Rounded(PerQuestion(CpuSeconds), 6),
        Phases = Enum.GetValues<AskPhase>().ToDictionary(
            phase => Name(phase),
            phase => new
            {
                CpuSecondsPerQuestion = Units.Rounded(PerQuestion(costs.Cpu(phase).TotalSeconds), 6),
                Share = Units.Rounded(Share(phase), 4),
                Seconds = Units.Rounded(costs.Elapsed(phase).TotalSeconds),
            }),
        Tokens = new
        {
            Reused = answers.Sum(answer => (long)answer.ReusedTokens),
            Recomputed = answers.Sum(answer => (long)answer.RecomputedTokens),
            Question = answers.Sum(answer => (long)answer.QuestionTokens),
            Generated = answers.Sum(answer => (long)answer.GeneratedTokens),
        },
        KvBytesLoaded = answers.Sum(answer => answer.KvBytesLoaded),
        TtftMs = new { Mean = Units.Rounded(MeanFirstToken), Median = Units.Rounded(MedianFirstToken) },
    };

    /// <summary>For people.</summary>
    public void Print(Terminal terminal)
    {
        int errors = answers.Count(answer => answer.Error is not null);
        string failed = errors > 0 ? $" ({errors} not answered)" : "";
        terminal.Out.WriteLine($"{Units.Count(answers.Count, "question")}{failed} in {Seconds:0.0} s, "
            + $"{PerSecond(answers.Count):0.00} a second; "
            + $"first token after {MeanFirstToken:0} ms on average (median {MedianFirstToken:0} ms)");
        IEnumerable<AskPhase> phases = Enum.GetValues<AskPhase>()
            .Where(phase => costs.Cpu(phase) > TimeSpan.Zero).OrderByDescending(costs.Cpu);
        string shares = string.Join(", ", phases.Select(phase => $"{Name(phase)} {100 * Share(phase):0.0}%"));
        terminal.Out.WriteLine($"{PerQuestion(CpuSeconds):0.000} CPU seconds a question: {shares}");
        long reused = answers.Sum(answer => (long)answer.ReusedTokens), generated = answers.Sum(answer => (long)answer.GeneratedTokens);
        long computed = answers.Sum(answer => (long)answer.RecomputedTokens + answer.QuestionTokens),
            loaded = answers.Sum(answer => answer.KvBytesLoaded);
        terminal.Out.WriteLine(
            $"{Units.Count(reused, "token")} reused, {computed} computed, {generated} generated; {Units.Bytes(loaded)} of KV loaded");
    }

    private double PerQuestion(double sum) => answers.Count > 0 ? sum / answers.Count : 0;

    private double PerSecond(double count) => Seconds > 0 ? count / Seconds : 0;

    private double Share(AskPhase phase) => CpuSeconds > 0 ? costs.Cpu(phase).TotalSeconds / CpuSeconds : 0;

    private static string Name(AskPhase phase) => phase.ToString().ToLowerInvariant();

}
