namespace Kvasir.Cache;

/// <summary>
/// The product of a head's factors in another basis: what is kept are as many of the channels of Up Down k as the rank says, and all others
/// are linear functions of them, so that so many products less are needed to have all channels again.
/// </summary>
internal sealed class KeptChannels
{
    /// <summary>
    /// A channel is wanted as long as at least this part of it (of its length as a row of Up) is no function of those that were chosen
    /// before.
    /// </summary>
    private const double LeastNew = 0.1;

    private const double Negligible = 1e-9;

    private readonly HeadFactors _factors;
    private readonly double[,] _coefficients;

    /// <param name="factors">The factors.</param>
    /// <param name="wanted">Channels that are better kept than others.</param>
    public KeptChannels(HeadFactors factors, IReadOnlyCollection<int> wanted)
    {
        _factors = factors;
        Channels = Choose([.. wanted]);
        _coefficients = Solve();
    }

    /// <summary>Which channels are kept.</summary>
    public int[] Channels { get; }

    /// <summary>[rank, channels]: what is kept of a key k is this times k.</summary>
    public float[] Down
    {
        get
        {
            (int rank, int size) = (_factors.Rank, _factors.Channels);
            return [.. Channels.SelectMany(
                channel => Enumerable.Range(0, size).Select(
                c => (float)Enumerable.Range(0, rank).Sum(j => (double)_factors.Up[channel * rank + j] * _factors.Down[j * size + c])))];
        }
    }

    /// <summary>By kept channel: what a channel has of it.</summary>
    public IEnumerable<float> Coefficients(int channel) => Enumerable.Range(0, _factors.Rank).Select(i => (float)_coefficients[channel, i]);

    /// <summary>
    /// One after another the channel that is least a function of those before it (Gram and Schmidt's orthogonalisation of the rows of Up,
    /// each divided by its length): wanted ones while they bring enough, then any.
    /// </summary>
    private int[] Choose(HashSet<int> wanted)
    {
        double[][] rows = [.. Enumerable.Range(0, _factors.Channels).Select(Normalised)];
        double[] rest = [.. rows.Select(row => Length(row))];
        var chosen = new List<int>();
        for (int step = 0; step < _factors.Rank; step++)
        {
            int[] left = [.. Enumerable.Range(0, rows.Length).Except(chosen)];
            int[] worthwhile = [.. left.Where(c => wanted.Contains(c) && rest[c] >= LeastNew)];
            int next = (worthwhile.Length > 0 ? worthwhile : left).MaxBy(c => rest[c]);
            chosen.Add(next);
            if (rest[next] < Negligible) continue;
            double[] direction = [.. rows[next].Select(x => x / rest[next])];
            foreach (int c in left)
            {
                double along = rows[c].Zip(direction).Sum(pair => pair.First * pair.Second);
                for (int i = 0; i < direction.Length; i++) rows[c][i] -= along * direction[i];
                rest[c] = Length(rows[c]);
            }
        }
        return [.. chosen];
    }

    private double[] Normalised(int channel)
    {
        double[] row = [.. _factors.Up.AsSpan(channel * _factors.Rank, _factors.Rank).ToArray().Select(x => (double)x)];
        double length = Length(row);
        return length > 0 ? [.. row.Select(x => x / length)] : row;
    }

    private static double Length(double[] row) => Math.Sqrt(row.Sum(x => x * x));

    /// <summary>
    /// Up times the inverse of its chosen rows, by column operations. Where these depend on each other, the later ones count for themselves
    /// alone.
    /// </summary>
    private double[,] Solve()
    {
        (int rank, int size) = (_factors.Rank, _factors.Channels);
        var up = new double[size, rank];
        double most = 0;
        for (int c = 0; c < size; c++)
            for (int i = 0; i < rank; i++) most = Math.Max(most, Math.Abs(up[c, i] = _factors.Up[c * rank + i]));
        for (int step = 0; step < rank; step++)
        {
            int row = Channels[step], column = Enumerable.Range(step, rank - step).MaxBy(i => Math.Abs(up[row, i]));
            double pivot = up[row, column];
            bool depends = Math.Abs(pivot) <= most * Negligible;
            for (int c = 0; c < size; c++)
            {
                (up[c, step], up[c, column]) = (up[c, column], up[c, step]);
                up[c, step] = depends ? 0 : up[c, step] / pivot;
            }
            for (int i = 0; i < rank; i++)
            {
                double factor = up[row, i];
                for (int c = 0; i != step && c < size; c++) up[c, i] -= factor * up[c, step];
                if (depends) up[row, i] = i == step ? 1 : 0;
            }
        }
        return up;
    }
}
