using System.Collections;
using System.Text;
using Kvasir.Documents.Asking;

namespace Kvasir.Documents;

/// <summary>
/// An answer as it is generated: enumerating it once does the work and gives the text piece by piece; the other members but
/// <see cref="Sources"/> are complete when the enumeration has ended.
/// </summary>
public sealed class Answer : IEnumerable<string>
{
    /// <summary>What the answer is where nothing relevant was found.</summary>
    public const string NothingRelevant = "The documents hold nothing relevant to this question.";

    private readonly Func<Answer, IEnumerable<GeneratedPiece>> _run;
    private readonly StringBuilder _text = new();
    private bool _started;

    internal Answer(IReadOnlyList<Passage> sources, Func<Answer, IEnumerable<GeneratedPiece>> run)
    {
        Sources = sources;
        _run = run;
    }

    /// <summary>The answer that there is none, after the time that finding this out took.</summary>
    internal static Answer Irrelevant(TimeSpan time) => new([], answer =>
    {
        answer.TimeToFirstToken = answer.TotalTime = time;
        return [new GeneratedPiece(NothingRelevant), new GeneratedPiece("", "irrelevant")];
    });

    /// <summary>The chunks it is made from, best first; none where nothing relevant was found.</summary>
    public IReadOnlyList<Passage> Sources { get; }

    /// <summary>The text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>Tokens of prefix and chunks whose stored KV was used.</summary>
    public int ReusedTokens { get; internal set; }

    /// <summary>Those of the reused tokens whose KV is stored under another policy and was converted for this answer.</summary>
    public int ConvertedTokens { get; internal set; }

    /// <summary>Tokens of prefix and chunks that had to be computed, or were on request.</summary>
    public int RecomputedTokens { get; internal set; }

    /// <summary>Tokens of the question and what the chat template puts behind it.</summary>
    public int QuestionTokens { get; internal set; }

    /// <summary>Tokens generated.</summary>
    public int GeneratedTokens { get; private set; }

    /// <summary>From the question to its first token: retrieval, placing the KV, and prefilling the question.</summary>
    public TimeSpan TimeToFirstToken { get; internal set; }

    /// <summary>From the question to the end of the answer.</summary>
    public TimeSpan TotalTime { get; internal set; }

    /// <summary>Bytes of stored keys and values that were placed.</summary>
    public long KvBytesLoaded { get; internal set; }

    /// <summary>
    /// What the time to the first token would have been with everything computed anew, estimated from the speed measured while ingesting;
    /// null where that is not known. With <see cref="AskOptions.Recompute"/> it is the measured time.
    /// </summary>
    public TimeSpan? RecomputeTime { get; internal set; }

    /// <summary><c>stop</c> (the model ended it), <c>length</c> (the limit), <c>context</c> (the model's context is full), <c>repetition</c> (it had begun to repeat itself), <c>irrelevant</c> (nothing relevant was found: the model was not asked), or null while it is not finished.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>Generates the whole answer, or what is left of it, and returns its text.</summary>
    public string Complete()
    {
        if (!_started)
        {
            foreach (string _ in this)
            {
            }
        }

        return Text;
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        if (_started)
        {
            throw new InvalidOperationException("an answer is enumerated once; its whole text is in Text");
        }

        _started = true;
        return Pieces();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private IEnumerator<string> Pieces()
    {
        foreach (GeneratedPiece piece in _run(this))
        {
            GeneratedTokens = piece.Tokens;
            _text.Append(piece.Text);
            FinishReason = piece.FinishReason;
            if (piece.Text.Length > 0)
            {
                yield return piece.Text;
            }
        }
    }
}
