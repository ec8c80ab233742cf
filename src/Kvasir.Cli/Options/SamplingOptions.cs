using System.CommandLine;
using Kvasir.Generation;

namespace Kvasir.Cli.Options;

/// <summary>The options that say how tokens are chosen and when a text ends.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<int> _maxTokens = new Option<int>("--max-tokens", "-n") { Description = "The most tokens to generate", HelpName = "N" }.InRange(1, int.MaxValue);
    private readonly Option<float> _temperature = new Option<float>("--temperature") { Description = "Randomness; 0 is greedy", HelpName = "T" }.InRange(0, float.MaxValue);
    private readonly Option<int> _topK = new Option<int>("--top-k") { Description = "Only the K most probable tokens; 0 means all", HelpName = "K" }.InRange(0, int.MaxValue);
    private readonly Option<float> _topP = new Option<float>("--top-p") { Description = "Only the most probable tokens that together reach P", HelpName = "P", DefaultValueFactory = _ => 1 }.InRange(float.Epsilon, 1);
    private readonly Option<float> _minP = new Option<float>("--min-p") { Description = "Only tokens at least P times as probable as the best one", HelpName = "P" }.InRange(0, 1);
    private readonly Option<float> _repeatPenalty = new Option<float>("--repeat-penalty") { Description = "Makes the last 64 tokens less probable; 1 is none", HelpName = "F", DefaultValueFactory = _ => 1 }.InRange(float.Epsilon, float.MaxValue, " (1 is none)");
    private readonly Option<string[]> _stop = new("--stop") { Description = "Text that ends the answer; may be given several times", HelpName = "TEXT" };
    private readonly Option<bool> _ignoreEnd = new("--ignore-end") { Description = "Go on at end-of-text tokens" };

    public SamplingOptions(Command command, int maxTokens, float temperature)
    {
        _maxTokens.DefaultValueFactory = _ => maxTokens;
        _temperature.DefaultValueFactory = _ => temperature;
        foreach (Option option in All) command.Options.Add(option);
    }

    public IReadOnlyList<Option> All => [_temperature, _topK, _topP, _minP, _repeatPenalty, _maxTokens, _stop, _ignoreEnd];

    public GenerationOptions Read(ParseResult parsed, CommonOptions common) => new()
    {
        MaxTokens = parsed.GetValue(_maxTokens),
        Stop = parsed.GetValue(_stop) ?? [],
        IgnoreEndOfText = parsed.GetValue(_ignoreEnd),
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
