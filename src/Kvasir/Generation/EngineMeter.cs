using System.Diagnostics.Metrics;

namespace Kvasir.Generation;

/// <summary>What generations cost, by the names of OpenTelemetry's conventions for generative AI.</summary>
internal static class EngineMeter
{
    public const string Name = "Kvasir";

    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> TimeToFirstToken = Meter.CreateHistogram<double>(
        "gen_ai.server.time_to_first_token", "s", "From a request to its first token.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [.001, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30] });

    private static readonly Histogram<double> TimePerOutputToken = Meter.CreateHistogram<double>(
        "gen_ai.server.time_per_output_token", "s", "Time of each token behind the first.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5] });

    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "gen_ai.server.request.duration", "s", "From a request to its end.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300] });

    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>(
        "kvasir.tokens", "{token}",
        "Tokens of prompts (input), those of them that were not computed again (cached), and generated (output).");

    public static void Record(GenerationResult result)
    {
        Duration.Record(result.TotalTime.TotalSeconds);
        if (result.TimeToFirstToken > TimeSpan.Zero) TimeToFirstToken.Record(result.TimeToFirstToken.TotalSeconds);
        if (result.Ids.Count > 1)
            TimePerOutputToken.Record((result.TotalTime - result.TimeToFirstToken).TotalSeconds / (result.Ids.Count - 1));
        Add("input", result.PromptTokens);
        Add("cached", result.ReusedTokens);
        Add("output", result.Ids.Count);
    }

    private static void Add(string type, int tokens) => Tokens.Add(tokens, new KeyValuePair<string, object?>("gen_ai.token.type", type));
}
