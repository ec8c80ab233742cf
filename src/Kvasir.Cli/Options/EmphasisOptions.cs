using Kvasir.Calibration;

namespace Kvasir.Cli.Options;

/// <summary>What of a prompt is emphasised: <c>--emphasise</c>, <c>--emphasis-alpha</c> and <c>--head-profile</c>.</summary>
internal sealed class EmphasisOptions(ExampleCommand command)
{
    private readonly Option<string[]> _texts = command.Option<string[]>(
        "--emphasise", "TEXT", "A part of the prompt that the model is to heed, as it is written there, or a span of its tokens (7:11); "
            + "may be given several times");

    private readonly Option<double> _alpha = command.Option(
        "--emphasis-alpha", "A", "How much the rest of the prompt counts in the steered heads", SteeringPolicy.DefaultAlpha)
            .InRange(1e-30, 1);

    private readonly Option<string?> _profile = command.Option<string?>(
        "--head-profile", "P.json", "Which heads are steered, from kvasir profile pasta (default: known for SmolLM2-135M)");

    /// <summary>What is emphasised, or null; <paramref name="always"/>: what has heads but maybe no texts.</summary>
    /// <exception cref="InvalidInputException">The heads are not known, or steering is given with --kv too.</exception>
    public Emphasis? Read(ParseResult parsed, Model model, KvPolicy? policy, bool always = false)
    {
        string[] texts = parsed.GetValue(_texts) ?? [];
        if (texts.Length == 0 && !always)
            return parsed.GetResult(_alpha) is { Implicit: false } || parsed.GetValue(_profile) is not null
                ? throw new InvalidInputException("--emphasis-alpha and --head-profile belong to --emphasise; say what to emphasise")
                : null;
        if (texts.Contains("")) throw new InvalidInputException("--emphasise is empty; give a text that stands in the prompt");
        if (policy?.Steering is not null)
            throw new InvalidInputException(
                "--emphasise and the policy's steer exclude each other; give one of them");
        return model.Emphasise(texts, parsed.GetValue(_alpha), parsed.GetValue(_profile));
    }
}
