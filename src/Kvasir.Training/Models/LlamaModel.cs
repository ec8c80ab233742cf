using Kvasir.Numerics;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Models;

/// <summary>
/// A llama-type model that can be trained: forward and backward over a batch of sequences of one length. All memory is taken at the start.
/// Every method is a part of a program that all workers of a <see cref="Crew"/> run.
/// </summary>
internal sealed class LlamaModel
{
    /// <summary>Rows whose logits exist at once.</summary>
    private const int HeadRows = 256;

    private readonly LlamaShape _shape;
    private readonly LlamaLayer[] _layers;
    private readonly float[][] _streams;
    private readonly float[] _normed, _scales, _selected, _logits;
    private readonly int[] _rows;
    private readonly BackwardBuffers? _backwards;

    /// <param name="shape">Sizes.</param>
    /// <param name="parameters">Weights, which other models may use too.</param>
    /// <param name="rotary">How queries and keys are rotated.</param>
    /// <param name="sequences">Sequences of a pass.</param>
    /// <param name="length">Tokens of each.</param>
    /// <param name="trains">Whether it goes backward; otherwise all layers share their memory.</param>
    public LlamaModel(LlamaShape shape, LlamaParameters parameters, Rotary rotary, int sequences, int length, bool trains = true)
    {
        (_shape, Parameters, Rows) = (shape, parameters, sequences * length);
        var rope = new Rope(rotary, length);
        var attention = new AttentionShape(sequences, length, shape.Heads, shape.KvHeads, shape.KeySize, shape.ValueSize);
        int factors = parameters.Layers.Max(layer => layer.KeyExpansion?.FactorWidth ?? 0);
        var backwards = new BackwardBuffers(shape, trains ? Rows : 0, factors);
        _backwards = trains ? backwards : null;
        LayerBuffers shared = new(shape, trains ? 0 : Rows, factors);
        _layers = [.. parameters.Layers.Select(weights => new LlamaLayer(
            shape, attention, weights, rope, trains ? new LayerBuffers(shape, Rows, factors) : shared) { Backwards = backwards })];
        _streams = [.. Enumerable.Range(0, trains ? shape.Layers + 1 : 2).Select(_ => new float[Rows * shape.Width])];
        (_normed, _scales) = (new float[Rows * shape.Width], new float[Rows]);
        (_selected, _rows) = (new float[Rows * shape.Width], new int[Rows]);
        _logits = new float[Math.Min(Rows, HeadRows) * shape.Vocabulary];
        Losses = new float[Rows];
    }

    public LlamaParameters Parameters { get; }

    /// <summary>Tokens of a pass.</summary>
    public int Rows { get; }

    /// <summary>The loss of each row, without its weight.</summary>
    public float[] Losses { get; }

    /// <summary>From ids to normalised states, from which the logits are one product away.</summary>
    public void Forward(Worker worker, int[] ids)
    {
        int width = _shape.Width;
        foreach (RowRange rows in worker.Rows(Rows))
            Embedding.Forward(Parameters.Embedding.Values, rows.Of(ids, 1), width, rows.Of(_streams[0], width));
        worker.Meet();
        for (int layer = 0; layer < _layers.Length; layer++) _layers[layer].Forward(worker, Stream(layer), Stream(layer + 1));
        foreach (RowRange rows in worker.Rows(Rows))
            RmsNorm.Forward(
                rows.Of(Stream(_layers.Length), width), Parameters.FinalNorm.Values, _shape.Epsilon, rows.Of(_normed, width),
                rows.Of(_scales, 1));
        worker.Meet();
    }

    /// <summary>
    /// Gathers the rows of the last <see cref="Forward"/> that count in the loss, those of a weight above 0: only they need logits, the
    /// largest product of a small model.
    /// </summary>
    public void Select(Worker worker, float[] weights)
    {
        if (worker.IsFirst)
        {
            Selected = 0;
            for (int row = 0; row < Rows; row++)
                if (weights[row] > 0) _rows[Selected++] = row;
        }
        worker.Meet();
        foreach (RowRange rows in worker.Rows(Selected))
            for (int i = rows.First; i < rows.End; i++) RowOf(_normed, _rows[i]).CopyTo(RowOf(_selected, i));
        worker.Meet();
    }

    /// <summary>How many rows were selected.</summary>
    public int Selected { get; private set; }

    /// <summary>Which row of the batch the n-th selected one is.</summary>
    public int SelectedRow(int n) => _rows[n];

    /// <summary>The ranges of selected rows whose logits exist at once.</summary>
    public RowRange HeadRange(int part) => new(part * HeadRows, Math.Min(HeadRows, Selected - part * HeadRows));

    public int HeadParts => (Selected + HeadRows - 1) / HeadRows;

    /// <summary>The logits of a <see cref="HeadRange"/>, as they lie in <see cref="Logits"/> afterwards.</summary>
    public void Project(Worker worker, RowRange rows)
    {
        Products.Forward(worker, Size(rows), rows.Of(_selected, _shape.Width), Parameters.Output.Values, _logits);
        worker.Meet();
    }

    /// <summary>The logits [vocabulary] of a row of the last <see cref="Project"/>, counted from its first.</summary>
    public Span<float> Logits(int row) => _logits.AsSpan(row * _shape.Vocabulary, _shape.Vocabulary);

    /// <summary>
    /// Losses of the rows that count, and with <paramref name="backward"/> the gradient of their weighted sum added to those of the
    /// parameters: of the negative log-likelihood of the targets, or of the divergence from a teacher that has read the same.
    /// </summary>
    public void Learn(Worker worker, TokenBatch batch, LlamaModel? teacher = null, bool backward = true)
    {
        teacher?.Select(worker, batch.Weights);
        Select(worker, batch.Weights);
        for (int part = 0; part < HeadParts; part++)
        {
            RowRange rows = HeadRange(part);
            teacher?.Project(worker, rows);
            Project(worker, rows);
            foreach (int i in worker.Tasks(rows.Count))
            {
                int row = _rows[rows.First + i];
                Losses[row] = teacher is null
                    ? CrossEntropy.Backward(Logits(i), batch.Targets[row], batch.Weights[row])
                    : Divergence.Backward(Logits(i), teacher.Logits(i), batch.Weights[row]);
            }
            worker.Meet();
            if (backward) BackwardHead(worker, rows);
        }
        if (backward) Backward(worker, batch.Ids);
    }

    /// <summary>The sum of weighted losses, always added up in the same order.</summary>
    public double TotalLoss(TokenBatch batch)
    {
        double total = 0;
        for (int row = 0; row < Rows; row++)
            if (batch.Weights[row] > 0) total += (double)batch.Weights[row] * Losses[row];
        return total;
    }

    private float[] Stream(int layer) => _streams[layer % _streams.Length];

    private ProductSize Size(RowRange rows) => new(rows.Count, _shape.Width, _shape.Vocabulary);

    /// <summary>The gradient of the selected rows takes their place.</summary>
    private void BackwardHead(Worker worker, RowRange rows)
    {
        Parameter output = Parameters.Output;
        if (output.Trains)
        {
            Products.BackwardWeight(worker, Size(rows), _logits, rows.Of(_selected, _shape.Width), output.Gradient);
            worker.Meet();
        }
        Products.BackwardInput(worker, Size(rows), _logits, output.Values, rows.Of(_selected, _shape.Width));
        worker.Meet();
    }

    private Span<float> RowOf(float[] matrix, int row) => matrix.AsSpan(row * _shape.Width, _shape.Width);

    private void Backward(Worker worker, int[] ids)
    {
        int width = _shape.Width;
        BackwardBuffers back = _backwards!;
        float[] last = Stream(_layers.Length);
        Parameter norm = Parameters.FinalNorm, embedding = Parameters.Embedding;
        foreach (RowRange rows in worker.Rows(Rows)) rows.Of(back.Normed, width).Clear();
        worker.Meet();
        foreach (RowRange rows in worker.Rows(Selected))
            for (int i = rows.First; i < rows.End; i++) RowOf(_selected, i).CopyTo(RowOf(back.Normed, _rows[i]));
        worker.Meet();
        if (norm.Trains)
            foreach (RowRange columns in worker.Columns(width)) RmsNorm.BackwardWeight(back.Normed, last, _scales, columns, norm.Gradient);
        worker.Meet();
        foreach (RowRange rows in worker.Rows(Rows))
        {
            rows.Of(back.Stream, width).Clear();
            RmsNorm.BackwardInput(
                rows.Of(back.Normed, width), rows.Of(last, width), norm.Values, rows.Of(_scales, 1), rows.Of(back.Stream, width));
        }
        worker.Meet();
        for (int layer = _layers.Length - 1; layer >= 0; layer--) _layers[layer].Backward(worker, Stream(layer));
        if (embedding.Trains)
            foreach (RowRange columns in worker.Columns(width)) Embedding.Backward(back.Stream, ids, width, columns, embedding.Gradient);
        worker.Meet();
    }
}
