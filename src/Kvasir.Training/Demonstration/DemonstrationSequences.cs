using Kvasir.Tokenization;
using Kvasir.Training.Data;

namespace Kvasir.Training.Demonstration;

/// <summary>
/// Rows of examples one behind another, after rows of another kind: tokens drawn by chance and repeated again and again, which teach to
/// find what came before and to go on with it. An answer is nothing else, once the place is found (Olsson et al. 2022, arXiv:2209.11895).
/// Passages are short at first, when finding the place among few is learned, and grow. Of an answer the first token counts most, which is
/// where the place is found; in the first third of the rows the passages count a little too.
/// </summary>
internal sealed class DemonstrationSequences(ulong seed, Tokenizer tokenizer, long rows) : TrainingData
{
    private const float PassageWeight = 0.05f, FirstWeight = 3;

    /// <summary>Parts of the rows.</summary>
    private const double RepeatedPart = 0.03, PassagePart = 1.0 / 3;

    /// <summary>Tokens that are repeated together.</summary>
    private const int ShortestRun = 8, LongestRun = 100;

    /// <summary>Examples of a row, at most.</summary>
    private const int Examples = 16;

    /// <summary>Up to which part of the rows passages have so many words, and how many questions are asked of each.</summary>
    private static readonly (double Until, int Words, int Questions)[] s_stages = [(0.2, 25, 3), (0.4, 60, 6), (0.6, 120, 10), (1, int.MaxValue, 16)];

    private readonly DemonstrationData[] _stages =
        [.. s_stages.Select(stage => new DemonstrationData(seed, Split.Train) { MostWords = stage.Words, Questions = stage.Questions })];

    public override long Tokens => rows;

    public override void Fill(long index, Span<int> ids, Span<int> targets, Span<float> weights)
    {
        if (index < rows * RepeatedPart) FillRepeated(index, ids, targets, weights);
        else FillExamples(index, ids, targets, weights);
    }

    private void FillExamples(long index, Span<int> ids, Span<int> targets, Span<float> weights)
    {
        DemonstrationData data = _stages[Array.FindIndex(s_stages, stage => index <= stage.Until * rows)];
        var tokens = new List<int>();
        var learned = new List<bool>();
        for (int n = 0; n < Examples && tokens.Count <= ids.Length; n++)
        {
            // What ends an answer begins what comes next.
            Example example = DemonstrationPrompt.Encode(data[index * Examples + n], tokenizer);
            tokens.AddRange(example.Tokens.Skip(n > 0 ? 1 : 0));
            learned.AddRange(example.Learned!.Skip(n > 0 ? 1 : 0));
        }
        new Example([.. tokens], [.. learned]).Fill(ids, targets, weights);
        bool learnsPassages = index < rows * PassagePart;
        for (int i = weights.Length - 1; i >= 0; i--)
        {
            if (weights[i] == 1 && (i == 0 || weights[i - 1] == 0)) weights[i] = FirstWeight;
            else if (learnsPassages && weights[i] == 0 && targets[i] != 0) weights[i] = PassageWeight;
        }
    }

    /// <summary>A run by chance, and the same again until the row is full; what comes for the first time cannot be known.</summary>
    private void FillRepeated(long index, Span<int> ids, Span<int> targets, Span<float> weights)
    {
        var random = new SeededRandom(seed, (ulong)index);
        int[] run = new int[ShortestRun + random.Below(LongestRun - ShortestRun)];
        for (int i = 0; i < run.Length; i++) run[i] = 1 + random.Below(tokenizer.VocabularySize - 1);
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = run[i % run.Length];
            targets[i] = run[(i + 1) % run.Length];
            weights[i] = i + 1 < run.Length ? 0 : 1;
        }
    }
}
