using System.Numerics.Tensors;
using Kvasir.Cache;

namespace Kvasir.Models;

/// <summary>Sentence embeddings.</summary>
public sealed partial class Model
{
    private int LongestWindow => Math.Min(Config.ContextLength, ForwardSlice.MaxRows);

    /// <summary>
    /// The sentence embedding of a text, of length 1, [width]: the tokens' last states pooled as the model says (their mean, the first one,
    /// or the last one).
    /// </summary>
    /// <param name="text">The text; one longer than the model reads at once is cut into windows, whose embeddings are averaged.</param>
    /// <exception cref="InvalidInputException">The model is not a sentence encoder.</exception>
    public float[] Embed(string text) => Embed([text])[0];

    /// <summary>The sentence embeddings of several texts, computed together.</summary>
    /// <inheritdoc cref="Embed(string)"/>
    public float[][] Embed(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        List<(int Text, int[] Ids)> windows = [.. texts.SelectMany((text, i) => EmbeddingWindows(text).Select(ids => (i, ids)))];
        float[][] embeddings = [.. texts.Select(_ => new float[Config.Width])];
        for (int next = 0; next < windows.Count;)
        {
            int first = next, tokens = 0;
            while (next < windows.Count && (tokens += windows[next].Ids.Length) <= ForwardSlice.MaxRows) next++;
            float[][] pooled = EmbedTogether([.. windows[first..next].Select(window => window.Ids)]);
            for (int i = first; i < next; i++)
                TensorPrimitives.Add(embeddings[windows[i].Text], pooled[i - first], embeddings[windows[i].Text]);
        }
        foreach (int text in windows.CountBy(window => window.Text).Where(count => count.Value > 1).Select(count => count.Key))
            Normalise(embeddings[text]);
        return embeddings;
    }

    /// <summary>
    /// Into how many windows a text is cut for its embedding; more than one where it is longer than the model reads at once.
    /// </summary>
    public int CountEmbeddingWindows(string text) => EmbeddingWindows(text).Count;

    /// <summary>The embedding of token ids, [CLS] and [SEP] included, as many as the model reads at once.</summary>
    internal float[] Embed(int[] ids) => EmbedTogether([ids])[0];

    /// <summary>The ids of a text's windows, all about as long, each begun and ended as the whole text would be.</summary>
    private List<int[]> EmbeddingWindows(string text)
    {
        if (_spec.Pooling == Pooling.None)
            throw new InvalidInputException(
                $"{Path} is not a sentence encoder: its architecture ({Config.Architecture}) continues texts, and it does not say how to "
                + "pool");
        int[] whole = Tokenizer.Encode(text, addSpecial: true);
        if (whole.Length <= LongestWindow) return [whole];
        int[] body = Tokenizer.Encode(text);
        int before = Tokenizer.AddsBeginOfText ? 1 : 0, frame = whole.Length - body.Length;
        if (frame >= LongestWindow)
            throw new InvalidInputException($"{Path}: a context of {Config.ContextLength} tokens is too short for a text");
        int count = (body.Length - 1) / (LongestWindow - frame) + 1;
        return [.. body.Chunk((body.Length - 1) / count + 1)
            .Select(part => (int[])[.. whole[..before], .. part, .. whole[(before + body.Length)..]])];
    }

    /// <summary>Windows that fit into one slice: a token that sees all must find all of its text there.</summary>
    private float[][] EmbedTogether(int[][] windows)
    {
        using var batch = new Batch();
        var caches = new List<KvCache>();
        try
        {
            foreach (int[] ids in windows)
            {
                caches.Add(NewCache(new KvPolicy { Keys = "f32", Values = "f32" }));
                batch.Add(caches[^1], ids, LogitRows.None);
            }
            Check(batch);
            lock (_turn)
            {
                Run(batch, CancellationToken.None);
                return [.. batch.Entries.Select(entry => Pool(entry.FirstId, entry.Count))];
            }
        }
        finally
        {
            caches.ForEach(cache => cache.Dispose());
        }
    }

    private float[] Pool(int firstRow, int rows)
    {
        (int first, int end) = _spec.Pooling switch { Pooling.First => (0, 1), Pooling.Last => (rows - 1, rows), _ => (0, rows) };
        float[] sum = new float[Config.Width], state = new float[Config.Width];
        for (int row = firstRow + first; row < firstRow + end; row++)
        {
            _transformer.Hidden(row).CopyTo(state);
            _weights.FinalNorm?.Apply(state, state);
            TensorPrimitives.Add(sum, state, sum);
        }
        return Normalise(sum);
    }

    private static float[] Normalise(float[] vector)
    {
        TensorPrimitives.Divide(vector, TensorPrimitives.Norm(vector), vector);
        return vector;
    }
}
