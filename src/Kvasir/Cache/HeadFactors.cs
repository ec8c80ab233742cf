namespace Kvasir.Cache;

/// <summary>
/// The two factors of one kv head's keys. Of a key k (before its rotation where <see cref="BeforeRotation"/>, else as attention multiplies it) the cache keeps
/// c = <see cref="Down"/> (k - <see cref="Mean"/>), and k is taken to be <see cref="Up"/> c + <see cref="Mean"/>.
/// </summary>
internal sealed class HeadFactors
{
    /// <param name="beforeRotation">Whether the factors are of keys before their rotation.</param>
    /// <param name="channels">Size of a key.</param>
    /// <param name="down">[rank, channels]</param>
    /// <param name="up">[channels, rank]</param>
    /// <param name="mean">[channels], or empty for none.</param>
    public HeadFactors(bool beforeRotation, int channels, float[] down, float[] up, float[] mean)
    {
        if (down.Length % channels != 0 || down.Length < channels || up.Length != down.Length || mean.Length is not 0 && mean.Length != channels)
            throw new ArgumentException($"factors of {down.Length} and {up.Length} numbers for keys of {channels}", nameof(down));
        (BeforeRotation, Channels, Down, Up, Mean) = (beforeRotation, channels, down, up, mean);
    }

    public bool BeforeRotation { get; }

    public int Channels { get; }

    /// <summary>Numbers that are kept of a key.</summary>
    public int Rank => Down.Length / Channels;

    public float[] Down { get; }

    public float[] Up { get; }

    public float[] Mean { get; }

    /// <summary>
    /// The same product in another basis: what is kept are <see cref="Rank"/> of the channels of Up Down k, and the others are linear functions of them, so that
    /// so many need not be multiplied out. The channels are chosen by Gaussian elimination with complete pivoting, which keeps the functions' coefficients small.
    /// </summary>
    /// <param name="kept">The channels, ascending.</param>
    /// <param name="coefficients">[other channels, rank] of the others, ascending.</param>
    /// <returns>[rank, channels]: what is kept of a key.</returns>
    public float[] InKeptChannels(out int[] kept, out float[] coefficients)
    {
        var up = new double[Channels, Rank];
        for (int c = 0; c < Channels; c++)
            for (int i = 0; i < Rank; i++) up[c, i] = Up[c * Rank + i];
        int[] order = Eliminate(up);
        int[] columns = [.. Enumerable.Range(0, Rank).OrderBy(i => order[i])], chosen = [.. columns.Select(i => order[i])];
        kept = chosen;
        coefficients = [.. Enumerable.Range(0, Channels).Except(chosen).SelectMany(c => columns.Select(i => (float)up[c, i]))];
        var down = new float[Rank * Channels];
        for (int i = 0; i < Rank; i++)
            for (int c = 0; c < Channels; c++)
            {
                double sum = 0;
                for (int j = 0; j < Rank; j++) sum += (double)Up[chosen[i] * Rank + j] * Down[j * Channels + c];
                down[i * Channels + c] = (float)sum;
            }
        return down;
    }

    /// <summary>Turns columns of Up by column operations into ones with a single 1 in a row each; the row of each column. Columns that depend on others become a single 1.</summary>
    private int[] Eliminate(double[,] up)
    {
        const double Negligible = 1e-9;
        int[] rowOf = [.. Enumerable.Repeat(-1, Rank)];
        double first = 0;
        for (int step = 0; step < Rank; step++)
        {
            (double most, int row, int column) = Largest(up, rowOf);
            if (step == 0) first = most;
            if (most <= first * Negligible)
            {
                FillRest(up, rowOf);
                break;
            }
            rowOf[column] = row;
            double pivot = up[row, column];
            for (int c = 0; c < Channels; c++) up[c, column] /= pivot;
            for (int i = 0; i < Rank; i++)
            {
                double factor = up[row, i];
                for (int c = 0; i != column && factor != 0 && c < Channels; c++) up[c, i] -= factor * up[c, column];
            }
        }
        return rowOf;
    }

    private (double Most, int Row, int Column) Largest(double[,] up, int[] rowOf)
    {
        (double Most, int Row, int Column) largest = (-1, 0, 0);
        for (int c = 0; c < Channels; c++)
            for (int i = 0; i < Rank; i++)
                if (rowOf[i] < 0 && !rowOf.Contains(c) && Math.Abs(up[c, i]) is var size && size > largest.Most) largest = (size, c, i);
        return largest;
    }

    private void FillRest(double[,] up, int[] rowOf)
    {
        for (int i = 0; i < Rank; i++)
        {
            if (rowOf[i] >= 0) continue;
            rowOf[i] = Enumerable.Range(0, Channels).First(c => !rowOf.Contains(c));
            for (int c = 0; c < Channels; c++) up[c, i] = c == rowOf[i] ? 1 : 0;
        }
    }
}
