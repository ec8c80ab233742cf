using System.Buffers;

namespace Kvasir.Tokenization;

/// <summary>Builds merge tables: from a list of merges, or from SentencePiece's scores.</summary>
internal static class Merges
{
    /// <summary>In bytes, for vocabularies with scores: trying all cuts is quadratic, and real tokens stay below a tenth of this.</summary>
    private const int LongestToken = 1024;

    /// <summary>The table of a list of merges, rank = place in the list.</summary>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="merges">Left and right part of each, as spelled in the file, with one character between them.</param>
    /// <param name="borders">How long each left part is.</param>
    /// <param name="spelling">How parts are spelled.</param>
    /// <param name="source">What to name in errors.</param>
    /// <param name="pairs">Left and right id of every merge, for the identity.</param>
    /// <exception cref="InvalidInputException">A part or a merged token is not in the vocabulary.</exception>
    public static MergeTable FromList(
        Vocabulary vocabulary, string[] merges, int[] borders, TokenSpelling spelling, string source, out int[] pairs)
    {
        var table = new MergeTable(merges.Length);
        pairs = new int[2 * merges.Length];
        var bytes = new ArrayBufferWriter<byte>(256);
        for (int rank = 0; rank < merges.Length; rank++)
        {
            ReadOnlySpan<char> one = merges[rank].AsSpan(0, borders[rank]), other = merges[rank].AsSpan(borders[rank] + 1);
            bytes.ResetWrittenCount();
            TokenSpellings.Decode(one, TokenKind.Normal, spelling, bytes);
            int border = bytes.WrittenCount;
            TokenSpellings.Decode(other, TokenKind.Normal, spelling, bytes);
            ReadOnlySpan<byte> whole = bytes.WrittenSpan;
            int left = vocabulary.Find(whole[..border]);
            int right = vocabulary.Find(whole[border..]);
            int merged = vocabulary.Find(whole);
            if (left < 0 || right < 0 || merged < 0)
                throw new InvalidInputException($"{source}: merge {rank} ('{one}' with '{other}') is not made of tokens of the vocabulary");
            table.Add(left, right, rank, merged);
            (pairs[2 * rank], pairs[(2 * rank) + 1]) = (left, right);
        }
        return table;
    }

    /// <summary>
    /// SentencePiece merges two neighbours whenever together they are a token, best score first. So every way to cut a token into two
    /// symbols is a merge whose rank is the token's place in the order of scores.
    /// </summary>
    /// <param name="vocabulary">The tokens; U+2581 is spelled as a space.</param>
    /// <param name="scores">One for each token.</param>
    /// <param name="source">What to name in errors.</param>
    /// <param name="tokenless">Characters that are no token themselves but part of one, with the symbols given to them.</param>
    /// <exception cref="InvalidInputException">A token is too long to try all its cuts.</exception>
    public static MergeTable FromScores(Vocabulary vocabulary, double[] scores, string source, out Dictionary<int, int> tokenless)
    {
        int[] ranks = Ranks(scores);
        tokenless = [];
        var table = new MergeTable(4 * vocabulary.Count);
        for (int id = 0; id < vocabulary.Count; id++)
        {
            ReadOnlySpan<byte> token = vocabulary.Bytes(id);
            if (vocabulary.Find(token) != id) continue;
            if (token.Length > LongestToken)
                throw new InvalidInputException(
                    $"{source}: token {id} is {token.Length} bytes long (at most {LongestToken} are supported)");
            for (int border = 1; border < token.Length; border++)
            {
                if ((token[border] & 0xC0) == 0x80) continue;
                int left = Symbol(vocabulary, token[..border], tokenless);
                int right = left < 0 ? -1 : Symbol(vocabulary, token[border..], tokenless);
                if (right >= 0) table.Add(left, right, ranks[id], id);
            }
        }
        return table;
    }

    private static int Symbol(Vocabulary vocabulary, ReadOnlySpan<byte> bytes, Dictionary<int, int> tokenless)
    {
        int id = vocabulary.Find(bytes);
        if (id < 0 && Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == OperationStatus.Done && length == bytes.Length
            && !tokenless.TryGetValue(rune.Value, out id))
        {
            id = vocabulary.Count + tokenless.Count;
            tokenless.Add(rune.Value, id);
        }
        return id;
    }

    /// <summary>The place of each token in the order of scores, highest first, equals sharing a place.</summary>
    private static int[] Ranks(double[] scores)
    {
        int[] order = new int[scores.Length];
        double[] keys = new double[scores.Length];
        for (int id = 0; id < scores.Length; id++)
        {
            order[id] = id;
            keys[id] = -scores[id];
        }
        Array.Sort(keys, order);
        int[] ranks = new int[scores.Length];
        for (int i = 1; i < order.Length; i++) ranks[order[i]] = keys[i] == keys[i - 1] ? ranks[order[i - 1]] : i;
        return ranks;
    }
}
