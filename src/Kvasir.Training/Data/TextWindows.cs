namespace Kvasir.Training.Data;

/// <summary>Windows of one long text, each pass over it in another order and cut at other places; every token is learned.</summary>
internal sealed class TextWindows : TrainingData
{
    private readonly int[] _tokens, _order;
    private readonly int _length;
    private readonly ulong _seed;
    private long _pass = -1;
    private int _shift;

    /// <exception cref="InvalidInputException">The text is shorter than two windows.</exception>
    public TextWindows(int[] tokens, int length, ulong seed)
    {
        (_tokens, _length, _seed) = (tokens, length, seed);
        if (tokens.Length < 2 * length + 1)
            throw new InvalidInputException(
                $"the text has {tokens.Length} tokens, fewer than two windows of {length}; give more text or a smaller context");
        _order = new int[(tokens.Length - 1) / length - 1];
    }

    public override long Tokens => (long)_order.Length * _length;

    public override void Fill(long index, Span<int> ids, Span<int> targets, Span<float> weights)
    {
        Order(index / _order.Length);
        int first = _shift + _order[(int)(index % _order.Length)] * _length;
        _tokens.AsSpan(first, _length).CopyTo(ids);
        _tokens.AsSpan(first + 1, _length).CopyTo(targets);
        weights.Fill(1);
    }

    private void Order(long pass)
    {
        if (pass == _pass) return;
        _pass = pass;
        for (int i = 0; i < _order.Length; i++) _order[i] = i;
        var random = new SeededRandom(_seed, (ulong)pass);
        random.Shuffle(_order);
        _shift = random.Below(_length);
    }
}
