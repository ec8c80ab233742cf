using Kvasir.Tokenization;

namespace Kvasir.Training.Data;

/// <summary>
/// Learns a byte-level BPE vocabulary (Sennrich et al. 2016, Radford et al. 2019): again and again the pair of neighbouring tokens that
/// occurs most often becomes a token, of equals the one with the lower ids. Only distinct pieces are gone through, weighted by how often
/// they occur, and of those only the ones that hold the pair.
/// </summary>
internal sealed class BpeTrainer : IPieceSink
{
    private readonly Dictionary<string, int> _occurrences = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly Dictionary<(int Left, int Right), Pair> _pairs = [];
    private readonly PriorityQueue<(int Left, int Right), (long Fewer, int Left, int Right)> _queue = new();
    private readonly List<string> _tokens;
    private readonly List<string> _merges = [];
    private readonly List<Piece> _pieces = [];

    private BpeTrainer(IReadOnlyList<string> specials)
    {
        _lookup = _occurrences.GetAlternateLookup<ReadOnlySpan<char>>();
        _tokens = [.. specials, .. BpeVocabulary.Bytes];
    }

    void IPieceSink.Add(ReadOnlySpan<char> piece) => CollectionsMarshal.GetValueRefOrAddDefault(_lookup, piece, out _)++;

    /// <summary>A vocabulary of at most <paramref name="size"/> tokens; fewer where no more pairs occur twice.</summary>
    /// <param name="texts">What to learn from.</param>
    /// <param name="size">Special tokens and the 256 bytes included.</param>
    /// <param name="specials">Tokens that no text spells, the first ids; the first of them ends a text.</param>
    public static BpeVocabulary Train(IEnumerable<string> texts, int size, IReadOnlyList<string> specials)
    {
        var trainer = new BpeTrainer(specials);
        foreach (string text in texts) BpeVocabulary.PreTokenizer.Split(text, trainer);
        trainer.CutPieces(specials.Count);
        while (trainer._tokens.Count < size && trainer.TryMergeNext())
        {
        }
        return new BpeVocabulary(specials, [.. trainer._tokens], [.. trainer._merges]);
    }

    private void CutPieces(int firstByte)
    {
        foreach ((string text, int count) in _occurrences)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            _pieces.Add(new Piece(Array.ConvertAll(bytes, value => firstByte + value), count));
            for (int at = 0; at + 1 < bytes.Length; at++) Count(_pieces.Count - 1, at, count);
        }
        foreach (((int, int) pair, Pair found) in _pairs) Enqueue(pair, found);
    }

    private bool TryMergeNext()
    {
        while (_queue.TryDequeue(out (int Left, int Right) pair, out (long Fewer, int, int) priority))
        {
            // Merged, or changed since: then its newer entry stands further back.
            if (!_pairs.TryGetValue(pair, out Pair? found) || found.Count != -priority.Fewer) continue;
            if (found.Count < 2) return false;
            Merge(pair, found);
            return true;
        }
        return false;
    }

    private void Merge((int Left, int Right) pair, Pair found)
    {
        int merged = _tokens.Count;
        _merges.Add($"{_tokens[pair.Left]} {_tokens[pair.Right]}");
        _tokens.Add(_tokens[pair.Left] + _tokens[pair.Right]);
        var changed = new HashSet<(int, int)>();
        foreach (int index in found.Pieces)
        {
            Piece piece = _pieces[index];
            for (int at = 0; at + 1 < piece.Length; at++)
            {
                if ((piece.Ids[at], piece.Ids[at + 1]) != pair) continue;
                for (int side = at - 1; side <= at + 1; side += 2)
                    if (side >= 0 && side + 1 < piece.Length) changed.Add(Count(index, side, -piece.Occurrences));
                piece.Join(at, merged);
                for (int side = at - 1; side <= at; side++)
                    if (side >= 0 && side + 1 < piece.Length) changed.Add(Count(index, side, piece.Occurrences));
            }
        }
        _pairs.Remove(pair);
        changed.Remove(pair);
        foreach ((int, int) other in changed) Enqueue(other, _pairs[other]);
    }

    /// <summary>Counts the pair at a place of a piece; which pair it is.</summary>
    private (int Left, int Right) Count(int index, int at, int occurrences)
    {
        (int Left, int Right) pair = (_pieces[index].Ids[at], _pieces[index].Ids[at + 1]);
        if (!_pairs.TryGetValue(pair, out Pair? found)) _pairs.Add(pair, found = new Pair());
        found.Count += occurrences;
        // A piece where the pair has gone may stay in the list: it is looked through and nothing is found.
        if (occurrences > 0 && (found.Pieces.Count == 0 || found.Pieces[^1] != index)) found.Pieces.Add(index);
        return pair;
    }

    private void Enqueue((int Left, int Right) pair, Pair found) => _queue.Enqueue(pair, (-found.Count, pair.Left, pair.Right));

    private sealed class Pair
    {
        public long Count { get; set; }

        public List<int> Pieces { get; } = [];
    }

    private sealed class Piece(int[] ids, int occurrences)
    {
        public int[] Ids { get; } = ids;

        public int Length { get; private set; } = ids.Length;

        public int Occurrences { get; } = occurrences;

        public void Join(int at, int merged)
        {
            Ids[at] = merged;
            Array.Copy(Ids, at + 2, Ids, at + 1, Length - at - 2);
            Length--;
        }
    }
}
