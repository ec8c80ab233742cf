using Kvasir.Documents.Answering;

namespace Kvasir.Documents.Asking;

/// <summary>A question on its way to an answer: its passages are chosen; its context is built by <see cref="Asker.Begin"/>.</summary>
/// <param name="Answer">What it becomes; counts what was reused and computed.</param>
/// <param name="Chunks">The passages as they are placed, best last.</param>
/// <param name="Suffix">The ids of the question and what the chat template puts behind it.</param>
/// <param name="Clock">Runs while something is done for this question.</param>
internal sealed record PreparedQuestion(Answer Answer, IReadOnlyList<PromptChunk> Chunks, int[] Suffix, Stopwatch Clock)
{
    /// <summary>Whether the shared prefix was computed for this question; stays so when its context is built again.</summary>
    public bool PrefixIsNew { get; set; }
}

/// <summary>A passage with the ids that stand for it in the prompt.</summary>
internal sealed class PromptChunk(Passage passage)
{
    private int[]? _ids;

    public Passage Passage => passage;

    public int[] Ids(IAnswerModel model) => _ids ??= model.EncodeChunk(passage.Stored);
}
