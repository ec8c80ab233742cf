namespace Kvasir.Training.Models;

/// <summary>What a layer computes on the way forward and reads on the way back, [rows, …].</summary>
/// <param name="shape">The model.</param>
/// <param name="rows">Tokens of a pass.</param>
/// <param name="factorWidth">Floats of a token's key factors; 0 where keys have none.</param>
internal sealed class LayerBuffers(LlamaShape shape, int rows, int factorWidth)
{
    public int Rows { get; } = rows;

    /// <summary>The input, normalised, and 1 / its root mean square.</summary>
    public float[] Normed { get; } = new float[rows * shape.Width];

    public float[] Scales { get; } = new float[rows];

    public float[] Query { get; } = new float[rows * shape.QueryWidth];

    /// <summary>What is cached of a key where it is factored.</summary>
    public float[] Factors { get; } = new float[rows * factorWidth];

    public float[] Key { get; } = new float[rows * shape.KeyWidth];

    public float[] Value { get; } = new float[rows * shape.ValueWidth];

    public float[] Attended { get; } = new float[rows * shape.OutputWidth];

    /// <summary>The residual stream between attention and feed-forward layer, the same normalised, and its scales.</summary>
    public float[] Middle { get; } = new float[rows * shape.Width];

    public float[] MiddleNormed { get; } = new float[rows * shape.Width];

    public float[] MiddleScales { get; } = new float[rows];

    /// <summary>The feed-forward layer's inside; gate and up become their gradients on the way back.</summary>
    public float[] Gate { get; } = new float[rows * shape.FeedForward];

    public float[] Up { get; } = new float[rows * shape.FeedForward];

    public float[] Hidden { get; } = new float[rows * shape.FeedForward];
}

/// <summary>Gradients on their way down, [rows, …]; each layer uses them after the one above.</summary>
/// <inheritdoc cref="LayerBuffers(LlamaShape, int, int)"/>
internal sealed class BackwardBuffers(LlamaShape shape, int rows, int factorWidth)
{
    /// <summary>Of the residual stream.</summary>
    public float[] Stream { get; } = new float[rows * shape.Width];

    /// <summary>Of a norm's output.</summary>
    public float[] Normed { get; } = new float[rows * shape.Width];

    public float[] Query { get; } = new float[rows * shape.QueryWidth];

    public float[] Key { get; } = new float[rows * shape.KeyWidth];

    public float[] Factors { get; } = new float[rows * factorWidth];

    public float[] Value { get; } = new float[rows * shape.ValueWidth];

    public float[] Attended { get; } = new float[rows * shape.OutputWidth];

    public float[] Hidden { get; } = new float[rows * shape.FeedForward];
}
