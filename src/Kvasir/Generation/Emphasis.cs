using Kvasir.Cache;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>
/// Parts of a prompt that the model is to attend to more (PASTA, <see cref="SteeringPolicy"/>): where they stand is found in each prompt.
/// In the heads chosen all other tokens of the prompt count <see cref="Alpha"/> times as much. <see cref="Models.Model"/>'s
/// <c>Emphasise</c> makes one with heads that are good for the model.
/// </summary>
public sealed record Emphasis
{
    /// <summary>Texts, all occurrences of which are meant; or spans FIRST:END of token positions where no such text occurs.</summary>
    public required IReadOnlyList<string> Texts { get; init; }

    /// <summary>The query heads that are steered.</summary>
    public required IReadOnlyList<SteeredHead> Heads { get; init; }

    /// <summary>How much the rest of the prompt counts, above 0 and at most 1.</summary>
    public double Alpha { get; init; } = SteeringPolicy.DefaultAlpha;

    /// <summary>Token spans besides those of the texts.</summary>
    internal IReadOnlyList<TokenSpan> Spans { get; init; } = [];

    /// <summary>
    /// The steering of a prompt; null where there is nothing to emphasise. In the mode that adds to the spans, which for one span gives
    /// what the other one does, and for several does not lift generated tokens above them.
    /// </summary>
    /// <exception cref="InvalidInputException">A text does not occur in the prompt, or alpha is out of range.</exception>
    internal SteeringPolicy? On(ReadOnlySpan<int> prompt, Tokenizer tokenizer)
    {
        if (Alpha is not (>= 1e-30 and <= 1)) throw new InvalidInputException($"emphasis: alpha {Alpha} must be above 0 and at most 1");
        var bytes = new TokenBytes(tokenizer, prompt);
        int length = prompt.Length;
        TokenSpan[] spans = [.. Spans.Concat(Texts.SelectMany(text => Of(text, bytes, length))).OrderBy(span => span.First)];
        return spans.Length == 0 ? null
            : new SteeringPolicy { Spans = Merged(spans), Heads = Heads, Alpha = 1 / Alpha, Mode = SteeringMode.Include };
    }

    private static TokenSpan[] Of(string text, TokenBytes prompt, int length)
    {
        TokenSpan[] found = [.. prompt.Find(text)];
        if (found.Length > 0) return found;
        return text.Split(':') is [var first, var end] && int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out int from)
            && int.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out int to) && from < to && to <= length
            ? [new TokenSpan(from, to)]
            : throw new InvalidInputException($"the text to emphasise, '{text}', does not occur in the prompt; give it as it is written "
                + $"there, or a span of its {length} tokens (as in 7:11)");
    }

    private static List<TokenSpan> Merged(IEnumerable<TokenSpan> ascending)
    {
        var merged = new List<TokenSpan>();
        foreach (TokenSpan span in ascending)
            if (merged.Count > 0 && span.First <= merged[^1].End) merged[^1] = merged[^1] with { End = Math.Max(merged[^1].End, span.End) };
            else merged.Add(span);
        return merged;
    }
}
