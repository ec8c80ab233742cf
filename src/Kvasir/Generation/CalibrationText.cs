using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>Texts that a model writes itself, so that calibrations and comparisons work for any model without a text file.</summary>
public static class CalibrationText
{
    /// <summary>
    /// Samples texts at temperature 1 from the model's begin-of-text (its end-of-text where it has none). Special tokens are never drawn,
    /// so no text ends early. The same model, sizes and seed give the same ids.
    /// </summary>
    /// <param name="model">Who writes; it needs a tokenizer.</param>
    /// <param name="sequences">How many texts; they are written side by side, one batch per step.</param>
    /// <param name="tokens">Ids of each text, the first one that it starts from included.</param>
    /// <param name="seed">Where the draws start.</param>
    /// <param name="cancellation">Ends the work between two steps.</param>
    /// <returns>[sequences][tokens]</returns>
    /// <exception cref="InvalidInputException">A number is too small, or a text is longer than the model's context.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static int[][] Write(Model model, int sequences, int tokens, ulong seed = 1, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (sequences < 1) throw new InvalidInputException($"{sequences} calibration texts were asked for; give at least 1");
        if (tokens < 1) throw new InvalidInputException($"calibration texts of {tokens} tokens were asked for; give at least 1");
        if (tokens - 1 > model.Config.ContextLength)
            throw new InvalidInputException(
                $"calibration texts of {tokens} tokens were asked for, but the model's context holds {model.Config.ContextLength}");
        var seeds = new SplitMix64(seed);
        Sampler[] samplers = [.. Enumerable.Range(0, sequences)
            .Select(_ => new Sampler(new SamplerOptions { Temperature = 1, Seed = seeds.NextUInt64() }))];
        int[] unwanted = Unwanted(model.Tokenizer, model.Config.Vocabulary);
        int[][] texts = [.. Enumerable.Range(0, sequences).Select(_ => new int[tokens])];
        foreach (int[] text in texts) text[0] = Start(model.Tokenizer);
        KvCache[] caches = [.. Enumerable.Range(0, sequences).Select(_ => model.NewCache())];
        try
        {
            using var batch = new Batch();
            for (int at = 1; at < tokens; at++)
            {
                cancellation.ThrowIfCancellationRequested();
                batch.Clear();
                for (int i = 0; i < sequences; i++) batch.Add(caches[i], texts[i].AsSpan(at - 1, 1));
                model.Forward(batch, cancellation);
                for (int i = 0; i < sequences; i++) texts[i][at] = Draw(batch.Logits(i), unwanted, samplers[i]);
            }
        }
        finally
        {
            foreach (KvCache cache in caches) cache.Dispose();
        }

        return texts;
    }

    private static int Draw(Span<float> logits, int[] unwanted, Sampler sampler)
    {
        foreach (int id in unwanted) logits[id] = float.NegativeInfinity;
        return sampler.Sample(logits);
    }

    private static int Start(Tokenizer tokenizer) => tokenizer.BeginOfText >= 0 ? tokenizer.BeginOfText : Math.Max(0, tokenizer.EndOfText);

    /// <summary>Control tokens, ends of turn, and rows of a padded vocabulary that stand for no token.</summary>
    private static int[] Unwanted(Tokenizer tokenizer, int vocabulary) =>
        [.. Enumerable.Range(0, vocabulary)
            .Where(id => id >= tokenizer.VocabularySize || tokenizer.IsSpecial(id) || tokenizer.IsEndOfGeneration(id))];
}
