namespace Kvasir.Cli.Options;

/// <summary>How stored chunks are put before a question: the options --place and --repair.</summary>
internal sealed class PlacingOptions(ExampleCommand command)
{
    private readonly Option<string> _place = command.Choice(
        "--place", "m0|m1|m2",
        "How chunks were computed and are placed: m2 behind the prompt's prefix and turned to their place, m1 alone and turned, m0 alone "
        + "and not turned", "m2");

    private readonly Option<string> _repair = command.Option(
        "--repair", "N|P%|off",
        "Tokens of each placed chunk that are computed anew in place: its first N, those P% of all that deviate most, or off", "32");

    /// <exception cref="InvalidInputException">No repair is possible there, but one was asked for.</exception>
    public ChunkPlacement Placement(ParseResult parsed)
    {
        ChunkPlacement placement = parsed.GetValue(_place) switch
        {
            "m0" => ChunkPlacement.Stacked,
            "m1" => ChunkPlacement.Alone,
            _ => ChunkPlacement.BehindPrefix,
        };
        return placement != ChunkPlacement.Stacked || parsed.GetResult(_repair) is not { Implicit: false }
            || Repair(parsed) == ChunkRepair.Off
            ? placement
            : throw new InvalidInputException("--place m0 has no places to repair chunks in; leave --repair out, or use m1 or m2");
    }

    /// <exception cref="InvalidInputException">Neither off, a number nor a share.</exception>
    public ChunkRepair Repair(ParseResult parsed) => ChunkRepair.Parse(parsed.GetValue(_repair)!);
}
