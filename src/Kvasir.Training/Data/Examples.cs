namespace Kvasir.Training.Data;

/// <summary>A text of its own: its tokens and which of them are to be learned (an answer, say, and not the question).</summary>
/// <param name="Tokens">Two or more.</param>
/// <param name="Learned">For each token; null for all.</param>
internal sealed record Example(int[] Tokens, bool[]? Learned = null)
{
    /// <summary>Writes it as one sequence: what is longer is cut, what is shorter is filled up with zeros that do not count.</summary>
    public void Fill(Span<int> ids, Span<int> targets, Span<float> weights)
    {
        int count = Math.Min(Tokens.Length - 1, ids.Length);
        ids.Clear();
        targets.Clear();
        weights.Clear();
        Tokens.AsSpan(0, count).CopyTo(ids);
        Tokens.AsSpan(1, count).CopyTo(targets);
        for (int i = 0; i < count; i++) weights[i] = Learned is { } learned && !learned[i + 1] ? 0 : 1;
    }
}

/// <summary>One example a sequence, each pass over them in another order.</summary>
internal sealed class Examples : TrainingData
{
    private readonly IReadOnlyList<Example> _examples;
    private readonly int[] _order;
    private readonly ulong _seed;
    private long _pass = -1;

    /// <exception cref="InvalidInputException">There are none, or one has fewer than two tokens or another number of marks.</exception>
    public Examples(IReadOnlyList<Example> examples, ulong seed)
    {
        (_examples, _seed, _order) = (examples, seed, new int[examples.Count]);
        if (examples.Count == 0) throw new InvalidInputException("there are no examples to learn from");
        for (int i = 0; i < examples.Count; i++)
            if (examples[i].Tokens.Length < 2 || examples[i].Learned?.Length is { } marks && marks != examples[i].Tokens.Length)
                throw new InvalidInputException($"example {i} has fewer than two tokens, or not one mark for each");
    }

    public override long Tokens => _examples.Sum(example => (long)example.Tokens.Length - 1);

    public override void Fill(long index, Span<int> ids, Span<int> targets, Span<float> weights)
    {
        Order(index / _order.Length);
        _examples[_order[(int)(index % _order.Length)]].Fill(ids, targets, weights);
    }

    private void Order(long pass)
    {
        if (pass == _pass) return;
        _pass = pass;
        for (int i = 0; i < _order.Length; i++) _order[i] = i;
        new SeededRandom(_seed, (ulong)pass).Shuffle(_order);
    }
}
