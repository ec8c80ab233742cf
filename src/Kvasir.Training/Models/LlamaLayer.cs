using System.Numerics.Tensors;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Models;

/// <summary>
/// One block, forward and backward over rows of sequences: x₁ = x + Wo attention(norm(x)), y = x₁ + Wdown swiglu(norm(x₁)).
/// It keeps what its backward pass reads; layers that never go backward may share one <see cref="LayerBuffers"/>.
/// </summary>
internal sealed class LlamaLayer(LlamaShape shape, AttentionShape attention, LayerParameters weights, Rope rope, LayerBuffers kept)
{
    /// <summary>The gradient of a block's rows on its way down; shared by all layers.</summary>
    public required BackwardBuffers Backwards { private get; init; }

    /// <summary>x [rows, width] to y; x is read again in the backward pass.</summary>
    public void Forward(Worker worker, float[] x, float[] y)
    {
        int width = shape.Width, hidden = shape.FeedForward;
        foreach (RowRange rows in worker.Rows(kept.Rows))
            RmsNorm.Forward(
                rows.Of(x, width), weights.AttentionNorm.Values, shape.Epsilon, rows.Of(kept.Normed, width), rows.Of(kept.Scales, 1));
        worker.Meet();
        ProjectQueryKeyValue(worker);
        worker.Meet();
        CausalAttention.Forward(worker, attention, kept.Query, kept.Key, kept.Value, kept.Attended);
        worker.Meet();
        Forward(worker, weights.Output, kept.Attended, kept.Middle);
        worker.Meet();
        foreach (RowRange rows in worker.Rows(kept.Rows))
        {
            TensorPrimitives.Add(rows.Of(kept.Middle, width), rows.Of(x, width), rows.Of(kept.Middle, width));
            RmsNorm.Forward(
                rows.Of(kept.Middle, width), weights.FeedForwardNorm.Values, shape.Epsilon, rows.Of(kept.MiddleNormed, width),
                rows.Of(kept.MiddleScales, 1));
        }
        worker.Meet();
        Forward(worker, weights.Gate, kept.MiddleNormed, kept.Gate);
        Forward(worker, weights.Up, kept.MiddleNormed, kept.Up);
        worker.Meet();
        foreach (RowRange rows in worker.Rows(kept.Rows))
            SwiGlu.Forward(rows.Of(kept.Gate, hidden), rows.Of(kept.Up, hidden), rows.Of(kept.Hidden, hidden));
        worker.Meet();
        Forward(worker, weights.Down, kept.Hidden, y);
        worker.Meet();
        foreach (RowRange rows in worker.Rows(kept.Rows))
            TensorPrimitives.Add(rows.Of(y, width), rows.Of(kept.Middle, width), rows.Of(y, width));
        worker.Meet();
    }

    /// <summary>The gradient of y in <see cref="BackwardBuffers.Stream"/> becomes that of x; weights add to theirs.</summary>
    public void Backward(Worker worker, float[] x)
    {
        BackwardBuffers back = Backwards;
        int hidden = shape.FeedForward;
        Backward(worker, weights.Down, back.Stream, kept.Hidden, back.Hidden);
        worker.Meet();
        foreach (RowRange rows in worker.Rows(kept.Rows))
            SwiGlu.Backward(rows.Of(back.Hidden, hidden), rows.Of(kept.Gate, hidden), rows.Of(kept.Up, hidden));
        worker.Meet();
        Backward(worker, weights.Gate, kept.Gate, kept.MiddleNormed, back.Normed);
        worker.Meet();
        Backward(worker, weights.Up, kept.Up, kept.MiddleNormed, back.Normed, accumulate: true);
        worker.Meet();
        BackwardNorm(worker, weights.FeedForwardNorm, kept.Middle, kept.MiddleScales);
        Backward(worker, weights.Output, back.Stream, kept.Attended, back.Attended);
        worker.Meet();
        CausalAttention.Backward(
            worker, attention, new AttentionTensors { Query = kept.Query, Key = kept.Key, Value = kept.Value },
            new AttentionGradients { Output = back.Attended, Query = back.Query, Key = back.Key, Value = back.Value });
        worker.Meet();
        foreach (RowRange rows in worker.Rows(kept.Rows)) RotateBack(rows);
        worker.Meet();
        float[] key = back.Key;
        if (weights.KeyExpansion is { } expansion)
        {
            expansion.Backward(worker, kept.Rows, back.Key, kept.Factors, back.Factors);
            key = back.Factors;
        }
        Backward(worker, weights.Query, back.Query, kept.Normed, back.Normed);
        worker.Meet();
        Backward(worker, weights.Key, key, kept.Normed, back.Normed, accumulate: true);
        worker.Meet();
        Backward(worker, weights.Value, back.Value, kept.Normed, back.Normed, accumulate: true);
        worker.Meet();
        BackwardNorm(worker, weights.AttentionNorm, x, kept.Scales);
    }

    private void ProjectQueryKeyValue(Worker worker)
    {
        Forward(worker, weights.Query, kept.Normed, kept.Query);
        Forward(worker, weights.Value, kept.Normed, kept.Value);
        Forward(worker, weights.Key, kept.Normed, weights.KeyExpansion is null ? kept.Key : kept.Factors);
        worker.Meet();
        weights.KeyExpansion?.Forward(worker, kept.Rows, kept.Factors, kept.Key);
        foreach (RowRange rows in worker.Rows(kept.Rows))
            for (int row = rows.First; row < rows.End; row++)
            {
                rope.Forward(kept.Query.AsSpan(row * shape.QueryWidth, shape.QueryWidth), shape.KeySize, row % attention.Length);
                rope.Forward(kept.Key.AsSpan(row * shape.KeyWidth, shape.KeyWidth), shape.KeySize, row % attention.Length);
            }
    }

    private void RotateBack(RowRange rows)
    {
        for (int row = rows.First; row < rows.End; row++)
        {
            rope.Backward(Backwards.Query.AsSpan(row * shape.QueryWidth, shape.QueryWidth), shape.KeySize, row % attention.Length);
            rope.Backward(Backwards.Key.AsSpan(row * shape.KeyWidth, shape.KeyWidth), shape.KeySize, row % attention.Length);
        }
    }

    private void Forward(Worker worker, Parameter weight, float[] x, float[] y) =>
        Products.Forward(worker, new ProductSize(kept.Rows, weight.Columns, weight.Rows), x, weight.Values, y);

    private void Backward(Worker worker, Parameter weight, float[] dy, float[] x, float[] dx, bool accumulate = false)
    {
        var size = new ProductSize(kept.Rows, weight.Columns, weight.Rows);
        if (weight.Trains) Products.BackwardWeight(worker, size, dy, x, weight.Gradient);
        Products.BackwardInput(worker, size, dy, weight.Values, dx, accumulate);
    }

    /// <summary>From the gradient of a norm's output, which it overwrites, to that of the stream.</summary>
    private void BackwardNorm(Worker worker, Parameter weight, float[] x, float[] scales)
    {
        BackwardBuffers back = Backwards;
        if (weight.Trains)
        {
            foreach (RowRange columns in worker.Columns(shape.Width))
                RmsNorm.BackwardWeight(back.Normed, x, scales, columns, weight.Gradient);
            worker.Meet();
        }
        foreach (RowRange rows in worker.Rows(kept.Rows))
            RmsNorm.BackwardInput(
                rows.Of(back.Normed, shape.Width), rows.Of(x, shape.Width), weight.Values, rows.Of(scales, 1),
                rows.Of(back.Stream, shape.Width));
        worker.Meet();
    }
}
