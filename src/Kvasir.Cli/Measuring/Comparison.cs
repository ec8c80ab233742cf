namespace Kvasir.Cli.Measuring;

/// <summary>What is measured of every policy.</summary>
internal sealed record ComparisonProtocol
{
    /// <summary>Where the windows come from.</summary>
    public required string Text { get; init; }

    /// <summary>Texts to score; see <see cref="DecodingQuality"/>.</summary>
    public required IReadOnlyList<int[]> Windows { get; init; }

    public required int Prefill { get; init; }

    /// <summary>Empty where retrieval is not measured.</summary>
    public required IReadOnlyList<RetrievalPrompt> Passkey { get; init; }

    /// <summary>Tokens of the cache whose bytes are counted.</summary>
    public required int KvLength { get; init; }

    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Tokens of the prefill test; 0 leaves it out.</summary>
    public required int Prompt { get; init; }

    /// <summary>Tokens of the decode test; 0 leaves it out.</summary>
    public required int Generate { get; init; }

    public required int Repeat { get; init; }

    /// <summary>Whether what each head keeps of the first window is looked at too.</summary>
    public bool ShowsKept { get; init; }

    /// <summary>The windows one after another, as often as <see cref="KvLength"/> needs.</summary>
    public int[] LongText()
    {
        int[] text = [.. Windows.SelectMany(window => window)];
        return [.. Enumerable.Range(0, KvLength).Select(i => text[i % text.Length])];
    }
}

/// <summary>The figures of one policy.</summary>
internal sealed record ComparisonRow(
    string Kv, DecodingQuality Quality, RetrievalTest? Passkey, Footprint Footprint, IReadOnlyList<SpeedRow> Prefill,
    IReadOnlyList<SpeedRow> Decode, KeptShares? Kept = null);

/// <summary>Quality, memory and speed of several policies on one model.</summary>
internal static class Comparison
{
    /// <summary>A row for every policy; the first is what the others are compared with.</summary>
    public static IReadOnlyList<ComparisonRow> Run(
        Model model, IReadOnlyList<NamedPolicy> policies, ComparisonProtocol protocol, Terminal terminal)
    {
        IReadOnlyList<DecodingQuality> quality =
            DecodingQuality.Measure(model, [.. policies.Select(policy => policy.Policy)], protocol.Windows, protocol.Prefill, terminal);
        RetrievalTest?[] passkey =
            [.. policies.Select(policy =>
                protocol.Passkey.Count == 0 ? null
                : RetrievalTest.Run(model, policy.Policy, protocol.Passkey, CompressedWhen.Context, terminal, $"pass-key, {policy.Text}"))];
        using var steps = new ForwardSteps(model, terminal);
        int[] text = protocol.LongText();
        Footprint[] footprints = [.. policies.Select(policy => Footprint.Measure(steps, policy.Policy, text))];
        KeptShares?[] kept = [.. policies.Select(policy => protocol.ShowsKept
            ? KeptShares.Of(steps, policy.Policy, protocol.Windows[0][..protocol.Prefill]) : null)];
        using var speed = new SpeedTest(model, terminal);
        ILookup<(string, bool), SpeedRow> speeds = speed.Run(policies, protocol.Depths, protocol.Prompt, protocol.Generate, protocol.Repeat)
            .ToLookup(row => (row.Kv, row.Test.StartsWith("pp", StringComparison.Ordinal)));
        return [.. policies.Select((policy, i) =>
            new ComparisonRow(policy.Text, quality[i], passkey[i], footprints[i], [.. speeds[(policy.Text, true)]],
                [.. speeds[(policy.Text, false)]], kept[i]))];
    }
}
