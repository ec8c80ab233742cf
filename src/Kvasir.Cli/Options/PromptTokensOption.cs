namespace Kvasir.Cli.Options;

/// <summary><c>--prompt-tokens</c>: how many of the given ids are the prompt that <c>steer</c> is about.</summary>
internal sealed class PromptTokensOption(ExampleCommand command)
{
    private readonly Option<int?> _tokens = command.Option<int?>(
        "--prompt-tokens", "N", "With --kv steer=...: only the first N tokens are the prompt, the others count as generated")
            .InRange(1, int.MaxValue);

    /// <exception cref="InvalidInputException">Nothing is steered.</exception>
    public KvPolicy Apply(ParseResult parsed, KvPolicy policy) => parsed.GetValue(_tokens) is not int tokens ? policy
        : policy.Steering is not { } steering
            ? throw new InvalidInputException("--prompt-tokens belongs to steering; give --kv steer=SPANS@HEADS*ALPHA")
        : policy with { Steering = steering with { PromptTokens = tokens } };
}
