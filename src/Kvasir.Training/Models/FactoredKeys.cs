using Kvasir.Cache;

namespace Kvasir.Training.Models;

/// <summary>A model with factored keys beside the full one: queries, factors and their expansion are its own.</summary>
internal static class FactoredKeys
{
    /// <summary>
    /// Those of <paramref name="full"/> with keys k = up (down W_K) x. W_Q, the products down W_K, and up train; all else is shared
    /// and stays as it is. Each component's two factors are scaled so that the products have the size of W_K's rows: steps of
    /// one size then change all of them alike.
    /// </summary>
    /// <param name="shape">The full model.</param>
    /// <param name="full">Its weights.</param>
    /// <param name="factors">By layer and kv head.</param>
    public static LlamaParameters Of(LlamaShape shape, LlamaParameters full, IReadOnlyList<IReadOnlyList<HeadFactors>> factors) =>
        full with { Layers = [.. full.Layers.Select((layer, index) => Of(shape, layer, factors[index]))] };

    private static LayerParameters Of(LlamaShape shape, LayerParameters layer, IReadOnlyList<HeadFactors> heads)
    {
        int size = shape.KeySize, width = shape.Width;
        int[] ranks = [.. heads.Select(head => head.Rank)];
        var down = new Parameter(layer.Key.Name + ".down", ranks.Sum(), width);
        var up = new Parameter(layer.Key.Name + ".up", ranks.Sum(), size);
        for (int head = 0, at = 0; head < heads.Count; at += ranks[head++])
            for (int i = 0; i < ranks[head]; i++)
            {
                Span<float> row = down.Values.AsSpan((at + i) * width, width);
                for (int c = 0; c < size; c++)
                    AddScaled(layer.Key.Values.AsSpan((head * size + c) * width, width), heads[head].Down[i * size + c], row);
                double scale = Math.Sqrt(SumOfSquares(layer.Key.Values) / shape.KeyWidth / Math.Max(SumOfSquares(row), 1e-30));
                foreach (ref float value in row) value *= (float)scale;
                for (int c = 0; c < size; c++)
                    up.Values[at * size + c * ranks[head] + i] = (float)(heads[head].Up[c * ranks[head] + i] / scale);
            }
        var query = new Parameter(layer.Query.Name, layer.Query.Rows, layer.Query.Columns) { Values = [.. layer.Query.Values] };
        (query.Trains, down.Trains, up.Trains) = (true, true, true);
        return layer with { Query = query, Key = down, KeyExpansion = new KeyExpansion(ranks, size, up) };
    }

    private static void AddScaled(ReadOnlySpan<float> source, float factor, Span<float> target)
    {
        for (int i = 0; i < target.Length; i++) target[i] += factor * source[i];
    }

    private static double SumOfSquares(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values) sum += (double)value * value;
        return sum;
    }
}
