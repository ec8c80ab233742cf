using Kvasir.Tokenization;
using Kvasir.Training.Data;

namespace Kvasir.Training.Demonstration;

/// <summary>
/// Passages and as many questions about them as fit, a row each, after rows of another kind: tokens drawn by chance and repeated again and
/// again, which teach in few steps to find what came before and to go on with it. An answer is nothing else, once the place is found
/// (Olsson et al. 2022, arXiv:2209.11895). In the first half the passages are learned a little too; later only answers count.
/// </summary>
internal sealed class DemonstrationSequences(ulong seed, Tokenizer tokenizer, long rows, bool goesOn = false) : TrainingData
{
    /// <summary>Questions about the same passages, at most.</summary>
    private const int Questions = 16;

    /// <summary>The weight of a token that is no answer, in the first part of the training.</summary>
    private const float PassageWeight = 0.15f;

    /// <summary>
    /// The weight of a repeated token in a training that goes on: a row has many times as many of them as others have of answers.
    /// </summary>
    private const float RepeatedWeight = 0.2f;

    /// <summary>Parts of the training.</summary>
    private const double RepeatedPart = 0.03, PassagePart = 0.5;

    /// <summary>Rows in a hundred that are repeated tokens in a training that goes on.</summary>
    private const int RepeatedPercent = 4;

    /// <summary>Prompts in a hundred about kinds that speak of anything, in a training that goes on.</summary>
    private const int CommonPercent = 25;

    /// <summary>Tokens that are repeated together.</summary>
    private const int ShortestRun = 8, LongestRun = 100;

    private readonly DemonstrationData _data = new(seed, Split.Train)
    {
        Questions = Questions,
        Brief = goesOn,
        CommonPercent = goesOn ? CommonPercent : 0,
        OpenWords = goesOn ? new OpenWords(tokenizer) : null,
    };

    public override long Tokens => rows;

    public override void Fill(long index, Span<int> ids, Span<int> targets, Span<float> weights)
    {
        var random = new SeededRandom(seed, (ulong)index);
        if (goesOn ? random.Below(100) < RepeatedPercent : index < rows * RepeatedPart)
        {
            FillRepeated(random, ids, targets, weights);
            return;
        }
        DemonstrationPrompt.Encode(_data[index], tokenizer).Fill(ids, targets, weights);
        if (goesOn || index >= rows * PassagePart) return;
        for (int i = 0; i < weights.Length; i++)
            if (weights[i] == 0 && targets[i] != 0) weights[i] = PassageWeight;
    }

    /// <summary>A run by chance, and the same again until the row is full; what comes for the first time cannot be known.</summary>
    private void FillRepeated(SeededRandom random, Span<int> ids, Span<int> targets, Span<float> weights)
    {
        int[] run = new int[ShortestRun + random.Below(LongestRun - ShortestRun)];
        for (int i = 0; i < run.Length; i++) run[i] = 1 + random.Below(tokenizer.VocabularySize - 1);
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = run[i % run.Length];
            targets[i] = run[(i + 1) % run.Length];
            weights[i] = i + 1 < run.Length ? 0 : goesOn ? RepeatedWeight : 1;
        }
    }
}
