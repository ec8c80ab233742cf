using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Runs;

/// <summary>The perplexity of a text that is not learned: windows one after another, each from an empty context.</summary>
internal sealed class Validation
{
    private readonly int[] _tokens;
    private readonly TokenBatch _batch;

    /// <exception cref="InvalidInputException">The text is shorter than a window.</exception>
    public Validation(int[] tokens, int sequences, int length)
    {
        if (tokens.Length <= length)
            throw new InvalidInputException(
                $"the text for validation has {tokens.Length} tokens, fewer than the {length + 1} of a window; give more of it");
        (_tokens, _batch) = (tokens, new TokenBatch(sequences, length));
    }

    public double Perplexity(LlamaModel model, Crew crew)
    {
        int windows = (_tokens.Length - 1) / _batch.Length;
        double sum = 0;
        for (int first = 0; first < windows; first += _batch.Sequences)
        {
            Fill(first, windows);
            crew.Run(worker =>
            {
                model.Forward(worker, _batch.Ids);
                model.Learn(worker, _batch, backward: false);
            });
            sum += model.TotalLoss(_batch);
        }
        return Math.Exp(sum / ((double)windows * _batch.Length));
    }

    private void Fill(int first, int windows)
    {
        int length = _batch.Length;
        for (int row = 0; row < _batch.Sequences; row++)
        {
            int window = Math.Min(first + row, windows - 1);
            var range = new RowRange(row, 1);
            _tokens.AsSpan(window * length, length).CopyTo(range.Of(_batch.Ids, length));
            _tokens.AsSpan(window * length + 1, length).CopyTo(range.Of(_batch.Targets, length));
            range.Of(_batch.Weights, length).Fill(first + row < windows ? 1 : 0);
        }
    }
}
