using System.Collections;
using Kvasir.Cache;
using Kvasir.Documents.Answering;
using Kvasir.Generation;

namespace Kvasir.Documents.Asking;

/// <summary>
/// An answer as it is generated: enumerating it once does the work and gives the text piece by piece; the other members but
/// <see cref="Sources"/> are complete when the enumeration has ended. Answers of <see cref="DocumentLibrary.AskAll"/> are complete already.
/// </summary>
public sealed class Answer : IEnumerable<string>
{
    /// <summary>What the answer is where nothing relevant was found.</summary>
    public const string NothingRelevant = "The documents hold nothing relevant to this question.";

    private readonly StringBuilder _text = new();
    private bool _started;

    internal Answer(string question, IReadOnlyList<Passage> sources)
    {
        Question = question;
        Sources = sources;
    }

    /// <summary>The question.</summary>
    public string Question { get; }

    /// <summary>Its place among the questions of <see cref="DocumentLibrary.AskAll"/>, from 0.</summary>
    public int Index { get; internal set; }

    /// <summary>The chunks it is made from, best first; none where nothing relevant was found.</summary>
    public IReadOnlyList<Passage> Sources { get; }

    /// <summary>Whether its sources fit the question only loosely: they may hold the answer or not.</summary>
    public bool IsDoubtful { get; internal init; }

    /// <summary>The text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>Tokens of prefix and chunks whose stored KV was used.</summary>
    public int ReusedTokens { get; internal set; }

    /// <summary>Those of the reused tokens whose KV is stored under another policy and was converted for this answer.</summary>
    public int ConvertedTokens { get; internal set; }

    /// <summary>Tokens of prefix and chunks that had to be computed, or were on request.</summary>
    public int RecomputedTokens { get; internal set; }

    /// <summary>Those of the reused tokens that were computed anew where they stand (<see cref="AskOptions.Repair"/>).</summary>
    public int RepairedTokens { get; internal set; }

    /// <summary>Tokens of the question and what the chat template puts behind it.</summary>
    public int QuestionTokens { get; internal set; }

    /// <summary>Tokens generated.</summary>
    public int GeneratedTokens { get; private set; }

    /// <summary>From the question to its first token: retrieval, placing the KV, and prefilling the question.</summary>
    public TimeSpan TimeToFirstToken
    {
        get;
        internal set
        {
            field = value;
            FirstTokenAt = DateTime.UtcNow;
        }
    }

    /// <summary>When the first token came (UTC); null before.</summary>
    public DateTime? FirstTokenAt { get; private set; }

    /// <summary>From the question to the end of the answer.</summary>
    public TimeSpan TotalTime { get; internal set; }

    /// <summary>Bytes of stored keys and values that were placed.</summary>
    public long KvBytesLoaded { get; internal set; }

    /// <summary>
    /// What the time to the first token would have been with everything computed anew, estimated from the speed measured while ingesting;
    /// null where that is not known. With <see cref="AskOptions.Recompute"/> it is the measured time.
    /// </summary>
    public TimeSpan? RecomputeTime { get; internal set; }

    /// <summary>
    /// <c>stop</c> (the model ended it), <c>length</c> (the limit), <c>context</c> (the model's context is full), <c>repetition</c> (it had
    /// begun to repeat itself), <c>irrelevant</c> (nothing relevant was found: the model was not asked), or null while it is not finished.
    /// </summary>
    public string? FinishReason { get; private set; }

    /// <summary>
    /// Why there is no answer, or not a whole one; null where there is. Only in <see cref="DocumentLibrary.AskAll"/>: one question asked
    /// alone throws.
    /// </summary>
    public string? Error { get; private set; }

    internal bool IsFinished => FinishReason is not null || Error is not null;

    /// <summary>What generates it while it is enumerated: each piece is taken, then given out. Null where a stream does.</summary>
    internal Func<IEnumerable<GeneratedPiece>>? Run { get; set; }

    /// <summary>What begins it on an engine loop instead.</summary>
    internal Func<EngineLoop, CancellationToken, Task<IAsyncEnumerable<GeneratedPiece>>>? Begin { get; set; }

    /// <summary>
    /// Generates the answer on an engine loop instead, in its turn and under its budget, among all else that runs there. What is awaited
    /// ends with the first text; the library is in use until then, and free afterwards.
    /// </summary>
    /// <param name="engine">The loop, on the library's model.</param>
    /// <param name="cancellation">Ends the answer within a step.</param>
    /// <returns>The text, piece by piece.</returns>
    /// <exception cref="InvalidInputException">The prompt does not fit the model's context, or all is to be recomputed.</exception>
    /// <exception cref="KvBudgetExceededException">The loop's budget could never hold it.</exception>
    /// <exception cref="QueueFullException">Too many wait already.</exception>
    /// <exception cref="EngineStoppedException">The loop is being stopped.</exception>
    public async Task<IAsyncEnumerable<string>> BeginAsync(EngineLoop engine, CancellationToken cancellation = default)
    {
        if (_started) throw new InvalidOperationException("an answer is generated once; its whole text is in Text");
        _started = true;
        return TextsAsync(Begin is null ? null : await Begin(engine, cancellation).ConfigureAwait(false));
    }

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
        if (_started) throw new InvalidOperationException("an answer is enumerated once; its whole text is in Text");
        _started = true;
        return Pieces();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>An answer that could not be begun.</summary>
    internal static Answer Failed(string question, Exception error)
    {
        var answer = new Answer(question, []);
        answer.Fail(error);
        return answer;
    }

    /// <summary>The answer that there is none, after the time that finding this out took.</summary>
    internal static Answer Irrelevant(string question, TimeSpan time)
    {
        var answer = new Answer(question, []) { TimeToFirstToken = time };
        answer.Take(new GeneratedPiece(NothingRelevant, "irrelevant"), time);
        return answer;
    }

    internal void Fail(Exception error) => Error = error.Message;

    /// <summary>Forgets what was generated and counted: the context is built anew.</summary>
    internal void Restart()
    {
        _text.Clear();
        (ReusedTokens, ConvertedTokens, RecomputedTokens, RepairedTokens, GeneratedTokens) = (0, 0, 0, 0, 0);
        (KvBytesLoaded, FinishReason, Error) = (0, null, null);
    }

    /// <summary>Takes what has been generated, <paramref name="time"/> after the question came.</summary>
    internal void Take(GeneratedPiece piece, TimeSpan time)
    {
        _text.Append(piece.Text);
        (GeneratedTokens, FinishReason, Error, TotalTime) = (piece.Tokens, piece.FinishReason, piece.Failure?.Message, time);
    }

    private async IAsyncEnumerable<string> TextsAsync(IAsyncEnumerable<GeneratedPiece>? pieces)
    {
        if (pieces is null) yield return Text;
        else
            await foreach (GeneratedPiece piece in pieces.ConfigureAwait(false))
                if (piece.Text.Length > 0) yield return piece.Text;
    }

    private IEnumerator<string> Pieces()
    {
        IEnumerable<GeneratedPiece> pieces = Run is null ? [new GeneratedPiece(Text)] : Run();
        foreach (GeneratedPiece piece in pieces)
        {
            if (piece.Text.Length > 0) yield return piece.Text;
        }
    }
}
