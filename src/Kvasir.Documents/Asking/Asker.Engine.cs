using Kvasir.Cache;
using Kvasir.Documents.Answering;
using Kvasir.Generation;

namespace Kvasir.Documents.Asking;

/// <content>Answers that an engine loop generates among all else that it runs.</content>
internal sealed partial class Asker
{
    /// <summary>
    /// Begins an answer: its context is built once the loop has bytes for it, and this ends with its first text. Nothing here is used any
    /// more then, whether it came or not.
    /// </summary>
    private async Task<IAsyncEnumerable<GeneratedPiece>> BeginAsync(
        PreparedQuestion question, EngineLoop engine, CancellationToken cancellation)
    {
        if (options.Recompute)
            throw new InvalidInputException("an engine loop answers from stored keys and values alone: do not recompute");
        question.Clock.Start();
        using var building = new SemaphoreSlim(1);
        bool hasEnded = false;
        AnswerContext context = ContextOf(question, pool =>
        {
            building.Wait(cancellation);
            try
            {
                return hasEnded ? throw new OperationCanceledException() : Reuse(question, cancellation, pool);
            }
            finally
            {
                building.Release();
            }
        });
        while (true)
        {
            question.Answer.Restart();
            GenerationStream stream = model.Start(engine, context, options.Generation, cancellation);
            IAsyncEnumerator<GeneratedText> texts = stream.GetAsyncEnumerator(cancellation);
            try
            {
                bool hasText = await texts.MoveNextAsync().ConfigureAwait(false);
                NoteFirstToken(question, options);
                return PiecesAsync(question, stream, texts, hasText);
            }
            catch (DamagedKvException damage) when (SetAside(damage))
            {
                await texts.DisposeAsync().ConfigureAwait(false);
            }
            catch
            {
                stream.Cancel();
                await building.WaitAsync(CancellationToken.None).ConfigureAwait(false);
                hasEnded = true;
                building.Release();
                throw;
            }
        }
    }

    private AnswerContext ContextOf(PreparedQuestion question, Func<BlockPool, KvCache> fill)
    {
        int[] prompt = PromptOf(question);
        int repaired = options.Repair.Share > 0 ? prompt.Length
            : question.Chunks.Sum(chunk => Math.Min(chunk.Ids(model).Length, options.Repair.Tokens));
        return new AnswerContext(prompt, question.Chunks.Count + 1, repaired, EmphasisOf(question, prompt), fill);
    }

    private static async IAsyncEnumerable<GeneratedPiece> PiecesAsync(
        PreparedQuestion question, GenerationStream stream, IAsyncEnumerator<GeneratedText> texts, bool hasText)
    {
        await using ConfiguredAsyncDisposable _ = texts.ConfigureAwait(false);
        for (; hasText; hasText = await texts.MoveNextAsync().ConfigureAwait(false))
            yield return Taken(new GeneratedPiece(texts.Current.Text));
        GenerationResult result = stream.Result!;
        yield return Taken(new GeneratedPiece("", result.FinishReason.ToString().ToLowerInvariant(), result.Ids.Count));

        GeneratedPiece Taken(GeneratedPiece piece)
        {
            question.Answer.Take(piece, question.Clock.Elapsed);
            return piece;
        }
    }
}
