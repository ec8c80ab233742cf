using System.Globalization;
using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Cli;

/// <summary>What is computed anew of stored chunks that were put together: nothing, the first tokens of each but the first, or the share of all tokens that differs most.</summary>
internal sealed record StoredRepair(string Text, int FirstTokens, double Share)
{
    /// <exception cref="InvalidInputException">None of off, a number of tokens, a percentage.</exception>
    public static StoredRepair Parse(string text)
    {
        if (text == "off") return new StoredRepair(text, 0, 0);
        if (text.EndsWith('%') && double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent) && percent is > 0 and <= 100) return new StoredRepair(text, 0, percent / 100);
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int tokens) && tokens is > 0 and <= StoredContext.ChunkTokens) return new StoredRepair(text, tokens, 0);
        throw new InvalidInputException($"--repair {text}: give off, 1 to {StoredContext.ChunkTokens} tokens of each chunk, or a percentage such as 15%");
    }

    /// <summary>Repairs a context of which nothing but the placed files stands in the cache.</summary>
    public void Apply(Model model, KvCache cache, int[] ids, CancellationToken cancellation)
    {
        const int SecondChunk = StoredContext.PrefixTokens + StoredContext.ChunkTokens;
        if (Share > 0 && ids.Length > SecondChunk) model.RepairMostDeviating(cache, ids, SecondChunk, (int)(Share * (ids.Length - SecondChunk)), cancellation);
        if (FirstTokens == 0) return;
        int[] positions = [.. Enumerable.Range(SecondChunk, Math.Max(0, ids.Length - SecondChunk)).Where(position => (position - SecondChunk) % StoredContext.ChunkTokens < FirstTokens)];
        model.Repair(cache, positions, [.. positions.Select(position => ids[position])], cancellation);
    }
}
