namespace Kvasir.Cli.Options;

/// <summary>The option <c>--kv-budget</c>: how many bytes the keys and values of all sequences may take.</summary>
internal sealed class KvBudgetOption(ExampleCommand command)
{
    private readonly Option<string?> _budget =
        command.Option<string?>("--kv-budget", "SIZE", "The most bytes of keys and values, for example 512MB");

    /// <summary>Null where none was given.</summary>
    /// <exception cref="InvalidInputException">Not a size.</exception>
    public long? Bytes(ParseResult parsed) => parsed.GetValue(_budget) is string text ? ParseBytes(text, "--kv-budget") : null;

    /// <summary>The bytes that an option's text means.</summary>
    /// <exception cref="InvalidInputException">No size; the message names the option.</exception>
    public static long ParseBytes(string text, string option)
    {
        try
        {
            return KvBudget.ParseBytes(text);
        }
        catch (InvalidInputException problem)
        {
            throw new InvalidInputException($"{option}: {problem.Message}", problem);
        }
    }

    /// <summary>A pool that keeps to it.</summary>
    public BlockPool NewPool(ParseResult parsed) => new(Bytes(parsed) ?? long.MaxValue);
}
