namespace Kvasir.Cli.Options;

/// <summary>The options that say how tokens are chosen and when a text ends.</summary>
internal sealed class SamplingOptions(ExampleCommand command, int maxTokens, float temperature)
{
    private readonly Option<float> _temperature =
        command.Option("--temperature", "T", "Randomness; 0 is greedy", temperature).InRange(0, float.MaxValue);

    private readonly Option<int> _topK = command.Option<int>("--top-k", "K", "Only the K most probable tokens; 0 means all")
        .InRange(0, int.MaxValue);

    private readonly Option<float> _topP =
        command.Option<float>("--top-p", "P", "Only the most probable tokens that together reach P", 1).InRange(float.Epsilon, 1);

    private readonly Option<float> _minP =
        command.Option<float>("--min-p", "P", "Only tokens at least P times as probable as the best one").InRange(0, 1);

    private readonly Option<float> _repeatPenalty =
        command.Option<float>("--repeat-penalty", "F", "Makes the last 64 tokens less probable; 1 is none", 1)
            .InRange(float.Epsilon, float.MaxValue, " (1 is none)");

    private readonly Option<int> _maxTokens =
        command.Option("--max-tokens -n", "N", "The most tokens to generate", maxTokens).InRange(1, int.MaxValue);

    private readonly Option<string[]> _stop =
        command.Option<string[]>("--stop", "TEXT", "Text that ends the answer; may be given several times");

    private readonly Option<int> _draftTokens = DraftOption(command, 0);

    private readonly Option<bool> _ignoreEnd = command.Flag("--ignore-end", "Go on at end-of-text tokens");

    public IReadOnlyList<Option> All => [_temperature, _topK, _topP, _minP, _repeatPenalty, _maxTokens, _stop, _draftTokens, _ignoreEnd];

    /// <summary>The option --draft-tokens.</summary>
    public static Option<int> DraftOption(ExampleCommand command, int usual) => command.Option(
        "--draft-tokens", "N",
        "Tokens that are proposed at each step from what stands in the text already; the answer is the same, sooner where it repeats",
        usual).InRange(0, GenerationOptions.MostDraftTokens);

    public GenerationOptions Read(ParseResult parsed, CommonOptions common) => new()
    {
        MaxTokens = parsed.GetValue(_maxTokens),
        Stop = parsed.GetValue(_stop) ?? [],
        IgnoreEndOfText = parsed.GetValue(_ignoreEnd),
        DraftTokens = parsed.GetValue(_draftTokens),
        Sampler = new SamplerOptions
        {
            Temperature = parsed.GetValue(_temperature),
            TopK = parsed.GetValue(_topK),
            TopP = parsed.GetValue(_topP),
            MinP = parsed.GetValue(_minP),
            RepeatPenalty = parsed.GetValue(_repeatPenalty),
            Seed = common.Seed(parsed),
        },
    };
}
