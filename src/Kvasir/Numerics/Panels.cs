namespace Kvasir.Numerics;

/// <summary>Divides the packing of large matrices between threads: one of them, the vocabulary's, can be a third of a model.</summary>
internal static class Panels
{
    private const int PartRows = 64 * PackedFormat.PanelRows;

    /// <summary>Packs panel after panel, each by its first row; false as soon as that fails for one.</summary>
    public static bool TryAll(int rows, int threads, Func<int, bool> pack)
    {
        if (threads == 1 || rows <= PartRows) return TryPart(0, rows, pack);
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        return Parallel.For(0, (rows + PartRows - 1) / PartRows, options, (part, loop) =>
        {
            if (!TryPart(part * PartRows, Math.Min(rows, (part + 1) * PartRows), pack)) loop.Stop();
        }).IsCompleted;
    }

    private static bool TryPart(int firstRow, int endRow, Func<int, bool> pack)
    {
        for (int row = firstRow; row < endRow; row += PackedFormat.PanelRows)
            if (!pack(row)) return false;
        return true;
    }
}
