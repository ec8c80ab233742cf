using System.Numerics.Tensors;

namespace Kvasir.Generation;

/// <summary>
/// The tokens that a draw is made from, most probable first, found without sorting the vocabulary. Weights are relative to the largest,
/// which is 1.
/// </summary>
internal sealed class CandidateList
{
    private const int ScanBlock = 64;
    private float[] _weights = [];
    private int[] _ids = [];

    public int Count { get; private set; }

    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    public double Sum()
    {
        double sum = 0;
        for (int i = 0; i < Count; i++) sum += _weights[i];
        return sum;
    }

    /// <summary>The <paramref name="count"/> largest, by a heap whose root is the smallest one kept.</summary>
    public void TakeLargest(ReadOnlySpan<float> weights, int count)
    {
        Reserve(count);
        Count = 0;
        for (int start = 0; start < weights.Length; start += ScanBlock)
        {
            ReadOnlySpan<float> block = weights.Slice(start, Math.Min(ScanBlock, weights.Length - start));
            if (Count == count && TensorPrimitives.Max(block) <= _weights[0]) continue;
            for (int i = 0; i < block.Length; i++)
            {
                if (Count < count) Push(block[i], start + i);
                else if (block[i] > _weights[0]) ReplaceRoot(block[i], start + i);
            }
        }

        SortDescending();
    }

    /// <summary>
    /// The largest weights that together reach <paramref name="mass"/>, and perhaps some more; none below <paramref name="least"/>.
    /// </summary>
    public void TakeMass(ReadOnlySpan<float> weights, double mass, float least)
    {
        Reserve(weights.Length);
        float threshold = Math.Max(least, 1f / 64);
        while (true)
        {
            Count = 0;
            double sum = 0;
            for (int id = 0; id < weights.Length; id++)
            {
                if (!(weights[id] >= threshold)) continue;
                _weights[Count] = weights[id];
                _ids[Count++] = id;
                sum += weights[id];
            }

            if (sum >= mass || threshold <= least || threshold == 0) break;
            threshold = threshold < 1e-30f ? 0 : Math.Max(least, threshold / 16);
        }

        SortDescending();
    }

    /// <summary>
    /// Keeps the shortest beginning that reaches <paramref name="mass"/>, without weights below <paramref name="least"/>; at least one.
    /// </summary>
    public void Cut(double mass, float least)
    {
        double sum = 0;
        for (int i = 0; i < Count; i++)
        {
            if (i > 0 && (sum >= mass || _weights[i] < least))
            {
                Count = i;
                return;
            }

            sum += _weights[i];
        }
    }

    /// <summary>The token at <paramref name="uniform"/> in [0, 1) of the cumulated weights.</summary>
    public int Draw(double uniform)
    {
        double left = uniform * Sum();
        for (int i = 0; i < Count; i++)
        {
            left -= _weights[i];
            if (left < 0) return _ids[i];
        }

        return _ids[0];
    }

    private void Reserve(int count)
    {
        if (_weights.Length >= count) return;
        _weights = new float[count];
        _ids = new int[count];
    }

    private void Push(float weight, int id)
    {
        int child = Count++;
        while (child > 0 && _weights[(child - 1) / 2] > weight)
        {
            (_weights[child], _ids[child]) = (_weights[(child - 1) / 2], _ids[(child - 1) / 2]);
            child = (child - 1) / 2;
        }

        (_weights[child], _ids[child]) = (weight, id);
    }

    private void ReplaceRoot(float weight, int id)
    {
        int parent = 0;
        for (int child = 1; child < Count; child = 2 * parent + 1)
        {
            if (child + 1 < Count && _weights[child + 1] < _weights[child]) child++;
            if (_weights[child] >= weight) break;
            (_weights[parent], _ids[parent]) = (_weights[child], _ids[child]);
            parent = child;
        }

        (_weights[parent], _ids[parent]) = (weight, id);
    }

    private void SortDescending()
    {
        _weights.AsSpan(0, Count).Sort(_ids.AsSpan(0, Count));
        _weights.AsSpan(0, Count).Reverse();
        _ids.AsSpan(0, Count).Reverse();
    }
}
