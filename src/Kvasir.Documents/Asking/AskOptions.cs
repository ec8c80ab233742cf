using Kvasir.Generation;

namespace Kvasir.Documents.Asking;

/// <summary>How a question is answered.</summary>
public sealed record AskOptions
{
    /// <summary>
    /// Chunks that are put before the question; null for up to five, of which those far weaker than the best are left out (they mislead
    /// small models).
    /// </summary>
    public int? Passages { get; init; }

    /// <summary>
    /// The least cosine that the best passage, or the best sentence of one, must have with the question: where nothing comes near it, the
    /// answer is <see cref="Answer.NothingRelevant"/>, and the model is not asked. 0 answers in any case. Null leaves it to the library:
    /// what fits loosely is answered and marked (<see cref="Answer.IsDoubtful"/>), and all is answered where <see cref="Passages"/> says
    /// how many to read.
    /// </summary>
    public float? MinScore { get; init; }

    /// <summary>
    /// What the model is told between the passages and the question; empty for the bare question. Small models ramble without it
    /// (SmolLM2-135M on 120 facts, first 20 tokens of the answer: 59% right without, 73% with it).
    /// </summary>
    public string Instruction { get; init; } = "Find the answer in the text above:";

    /// <summary>
    /// Sentences of the passages that are said again before the question, computed with it: those that share most words with it. Null for
    /// one where the model is small, two where it is tiny, and none elsewhere.
    /// </summary>
    public int? Quotes { get; init; }

    /// <summary>What the answer begins with, not generated but given; empty for none.</summary>
    public string AnswerPrefix { get; init; } = "";

    /// <summary>Which tokens of placed chunks are computed anew, so that they know of what comes before.</summary>
    public ChunkRepair Repair { get; init; } = ChunkRepair.FirstBlock;

    /// <summary>Tokens of the answer, at most.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>How tokens are chosen; the most likely one by default.</summary>
    public SamplerOptions Sampler { get; init; } = new();

    /// <summary>
    /// The most tokens that are proposed at each step from what stands in passages, question and answer already
    /// (<see cref="GenerationOptions.DraftTokens"/>): answers repeat their sources.
    /// </summary>
    public int DraftTokens { get; init; } = 8;

    /// <summary>Texts that end the answer.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>
    /// What of passages and question is emphasised (<c>model.Emphasise</c>); null for nothing. Stored KV is placed as it is: it is read
    /// steered, and what is computed behind it.
    /// </summary>
    public Emphasis? Emphasis { get; init; }

    /// <summary>
    /// Emphasises the sentences of the passages that share most words with the question, in the heads of <see cref="Emphasis"/>, which may
    /// have no texts.
    /// </summary>
    public bool EmphasiseTerms { get; init; }

    /// <summary>Computes the whole prompt anew in one go instead of placing stored KV, for comparison.</summary>
    public bool Recompute { get; init; }

    /// <summary>Files and folders to answer from; null for everything in the store.</summary>
    public IReadOnlyList<string>? Within { get; init; }

    /// <summary>How the answer is generated.</summary>
    internal GenerationOptions Generation => new()
    {
        MaxTokens = MaxTokens,
        Sampler = Sampler,
        Stop = Stop,
        StopAtRepetition = true,
        DraftTokens = DraftTokens,
    };

    /// <summary>What stands behind the passages.</summary>
    internal string Asked(string question) => Instruction.Length == 0 ? question : $"{Instruction} {question}";
}
