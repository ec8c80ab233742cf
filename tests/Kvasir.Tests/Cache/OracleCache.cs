using Kvasir.Cache;
using Kvasir.Quantization;
using Kvasir.Tests.Quantization;

namespace Kvasir.Tests.Cache;

/// <summary>
/// What a one-layer cache must hold, by plain bookkeeping: a list of sealed blocks as they decode, and a list of exact tokens behind them.
/// It shares no code with the cache under test but the names of the policy.
/// </summary>
internal sealed class OracleCache(LayerLayout layer, KvPolicy policy)
{
    private const int BlockTokens = 32;

    private readonly List<View> _blocks = [];
    private readonly List<Token> _tail = [];

    /// <summary>One token's key (rotated) and value for every head.</summary>
    public sealed record Token(float[][] Keys, float[][] Values);

    /// <summary>A sealed block: for every head the tokens as they decode. Shared by forks.</summary>
    /// <param name="Tokens">Decoded tokens; forgotten ones included.</param>
    /// <param name="Bytes">Of all heads together.</param>
    /// <param name="ComputedAt">The position that its first key was rotated for.</param>
    /// <param name="Codecs">Those of keys and values of every head, with all that tells them apart.</param>
    /// <param name="Mapped">Whether it lies in a file.</param>
    public sealed record Block(Token[] Tokens, long Bytes, int ComputedAt, (string Keys, string Values)[] Codecs, bool Mapped);

    /// <summary>A block's place in one sequence and how many of its tokens count there.</summary>
    private readonly record struct View(Block Block, int Position, int Count);

    public int Length => TailPosition + _tail.Count;

    public IEnumerable<Block> Blocks => _blocks.Select(view => view.Block);

    public long TailBytes =>
        (_tail.Count + BlockTokens - 1) / BlockTokens * (long)BlockTokens * layer.KvHeads * (layer.KeyChannels
            + layer.ValueChannels) * sizeof(float);

    public long Bytes => Blocks.Sum(block => block.Bytes) + TailBytes;

    private int TailPosition => _blocks.Count == 0 ? 0 : _blocks[^1].Position + _blocks[^1].Count;

    public void Append(IEnumerable<Token> tokens)
    {
        _tail.AddRange(tokens);
        while (_tail.Count - BlockTokens >= policy.Residual) SealFirst();
    }

    public void Seal()
    {
        while (_tail.Count > 0) SealFirst();
    }

    public OracleCache Fork() => Copy(policy);

    public void Truncate(int length)
    {
        if (length < TailPosition) _tail.Clear();
        else _tail.RemoveRange(length - TailPosition, _tail.Count - (length - TailPosition));
        _blocks.RemoveAll(view => view.Position >= length);
        if (_blocks.Count > 0 && _blocks[^1] is var last && last.Position + last.Count > length)
            _blocks[^1] = last with { Count = length - last.Position };
    }

    public OracleCache Convert(KvPolicy other)
    {
        OracleCache copy = Copy(other);
        for (int b = 0; b < _blocks.Count; b++) copy._blocks[b] = _blocks[b] with { Block = copy.Recode(_blocks[b]) };
        return copy;
    }

    /// <summary>
    /// Appends what a file of <paramref name="saved"/> holds from <paramref name="firstToken"/> on, as it is or as the policy here says.
    /// </summary>
    public void Place(OracleCache saved, int firstToken, bool converted)
    {
        Seal();
        int shift = Length - firstToken;
        foreach (View view in saved._blocks.Where(view => view.Position >= firstToken))
            _blocks.Add(new View(converted ? Recode(view) : view.Block with { Mapped = true }, view.Position + shift, view.Count));
    }

    /// <summary>Whether everything that a file of <paramref name="saved"/> holds is kept there as the policy here says.</summary>
    public bool KeepsAs(OracleCache saved, int firstToken) =>
        saved._blocks.Where(view => view.Position >= firstToken)
            .All(view => view.Block.Codecs.SequenceEqual(CodecsAt(view.Block.ComputedAt)));

    /// <summary>
    /// softmax(q · k) v in double over the layer's window, or another; <paramref name="rotated"/> gives the query as rotated for a
    /// position.
    /// </summary>
    public double[] Attend(int head, int own, Func<int, float[]> rotated, out double tolerance, int? window = null)
    {
        int first = (window ?? layer.Window) is var visible && visible <= own ? own - visible + 1 : 0;
        var scores = new List<(double Score, float[] Value)>();
        double largestKey = 0;
        foreach ((Token token, int position, int offset) in Tokens(first))
        {
            if (position > own) continue;
            float[] query = rotated(own - offset);
            double score = 0;
            for (int c = 0; c < query.Length; c++) score += (double)query[c] * token.Keys[head][c];
            scores.Add((score, token.Values[head]));
            largestKey = Math.Max(largestKey, Largest(token.Keys[head]));
        }
        tolerance = AttentionRounding.Bound(
            layer.KeyChannels, scores.Count, Math.Sqrt(rotated(own).Sum(x => (double)x * x)), largestKey,
            scores.Max(pair => Largest(pair.Value)));
        double highest = scores.Max(pair => pair.Score), sum = 0;
        var output = new double[layer.ValueChannels];
        foreach ((double score, float[] value) in scores)
        {
            double weight = Math.Exp(score - highest);
            sum += weight;
            for (int c = 0; c < output.Length; c++) output[c] += weight * value[c];
        }
        return [.. output.Select(x => x / sum)];

        static double Largest(float[] vector) => Math.Max(vector.Max(), -vector.Min());
    }

    private IEnumerable<(Token Token, int Position, int Offset)> Tokens(int first)
    {
        foreach (View view in _blocks)
            for (int t = Math.Max(0, first - view.Position); t < view.Count; t++)
                yield return (view.Block.Tokens[t], view.Position + t, view.Position - view.Block.ComputedAt);
        for (int t = Math.Max(0, first - TailPosition); t < _tail.Count; t++) yield return (_tail[t], TailPosition + t, 0);
    }

    private OracleCache Copy(KvPolicy of)
    {
        var copy = new OracleCache(layer, of);
        copy._blocks.AddRange(_blocks);
        copy._tail.AddRange(_tail);
        return copy;
    }

    private void SealFirst()
    {
        int count = Math.Min(BlockTokens, _tail.Count), position = TailPosition;
        _blocks.Add(new View(Encode([.. _tail.Take(count)], position), position, count));
        _tail.RemoveRange(0, count);
    }

    private Block Encode(Token[] tokens, int computedAt)
    {
        Token[] decoded = [.. tokens.Select(_ => new Token(new float[layer.KvHeads][], new float[layer.KvHeads][]))];
        (string Keys, string Values)[] codecs = CodecsAt(computedAt);
        long bytes = 0;
        for (int head = 0; head < layer.KvHeads; head++)
        {
            long keyBytes = Encode(codecs[head].Keys, perChannel: true, layer.KeyChannels, [.. tokens.Select(token => token.Keys[head])],
                (t, key) => decoded[t].Keys[head] = key);
            long valueBytes = Encode(
                codecs[head].Values, perChannel: false, layer.ValueChannels, [.. tokens.Select(token => token.Values[head])], (t, value) =>
                decoded[t].Values[head] = value);
            bytes += (keyBytes + valueBytes + 63) / 64 * 64;
        }
        return new Block(decoded, bytes, computedAt, codecs, Mapped: false);
    }

    /// <summary>A block as the policy here says; what is kept that way already stays as it is.</summary>
    private Block Recode(View view)
    {
        Token[] tokens = view.Block.Tokens[..view.Count];
        Block encoded = Encode(tokens, view.Block.ComputedAt);
        for (int head = 0; head < layer.KvHeads; head++)
            for (int t = 0; t < tokens.Length; t++)
            {
                if (encoded.Codecs[head].Keys == view.Block.Codecs[head].Keys) encoded.Tokens[t].Keys[head] = tokens[t].Keys[head];
                if (encoded.Codecs[head].Values == view.Block.Codecs[head].Values) encoded.Tokens[t].Values[head] = tokens[t].Values[head];
            }
        return encoded;
    }

    private (string Keys, string Values)[] CodecsAt(int position) =>
        [.. Enumerable.Range(0, layer.KvHeads)
            .Select(head =>
            policy.Chosen is { } chosen
            ? chosen[0, head] : (Name(policy.Keys, policy.Group, policy.ScaleBits), Name(policy.Values, 32, policy.ScaleBits)))
            .Select(names => position + 32 <= policy.Sink ? (Exact(names.Item1), Exact(names.Item2)) : names)];

    /// <summary>The name of a codec as files carry it.</summary>
    public static string Name(string codec, int group, int scaleBits) => codec is "f16" or "f32" ? codec : $"{codec}/{group}/{scaleBits}";

    private static string Exact(string codec) => codec.Contains('/', StringComparison.Ordinal) ? "f16" : codec;

    /// <summary>Encodes and decodes the rows of a block's tokens; gives the bytes of a whole block.</summary>
    private static long Encode(string codec, bool perChannel, int channels, float[][] rows, Action<int, float[]> decoded)
    {
        int numbers = BlockTokens * channels;
        if (QuantizedFormat.Parse(codec) is not { } format)
        {
            for (int t = 0; t < rows.Length; t++) decoded(t, codec == "f32" ? rows[t] : [.. rows[t].Select(Half16)]);
            return codec == "f32" ? numbers * 4 : numbers * 2;
        }
        var block = new float[numbers];
        for (int t = 0; t < rows.Length; t++)
            for (int c = 0; c < channels; c++) block[perChannel ? c * BlockTokens + t : t * channels + c] = rows[t][c];
        float[] values = perChannel ? PlainQuantizer.Keys(block, channels, rows.Length, format).Values
            : PlainQuantizer.Values(block, channels, rows.Length, format).Values;
        for (int t = 0; t < rows.Length; t++)
            decoded(t, [.. Enumerable.Range(0, channels).Select(c => values[perChannel ? c * BlockTokens + t : t * channels + c])]);
        // Sets of scales and minima: one per range of tokens with one pair a channel, or one per range of channels with one pair a token.
        // Codes of values fill up the last range of 32 channels.
        (int sets, int pairs) = perChannel ? (BlockTokens / format.Group, channels) : ((channels + 31) / 32, BlockTokens);
        int setBytes = format.ScaleBits == 8 ? 2 * pairs + (pairs + 63) / 64 * 16 : 2 * pairs * format.ScaleBits / 8;
        return (long)BlockTokens * (perChannel ? channels : sets * 32) * format.Bits / 8 + sets * setBytes;
    }

    /// <summary>Float16 without infinities and subnormals.</summary>
    private static float Half16(float x) => Math.Abs(x) < 6.103515625e-5f ? 0 : (float)(Half)Math.Clamp(x, -65504, 65504);
}
