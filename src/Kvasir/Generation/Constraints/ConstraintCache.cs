using Kvasir.Tokenization;

namespace Kvasir.Generation.Constraints;

/// <summary>
/// The constraints used last, by the text that they were made from: a schema comes with every request of a program, and what was found out
/// about it is worth keeping. Safe to share between threads.
/// </summary>
internal sealed class ConstraintCache(Tokenizer tokenizer)
{
    private const int Most = 16;

    private readonly Lock _turn = new();
    private readonly LinkedList<(string Text, TokenConstraint Constraint)> _newestFirst = new();

    /// <exception cref="InvalidInputException">What <paramref name="read"/> throws.</exception>
    public TokenConstraint Get(string text, Func<Grammar> read)
    {
        lock (_turn)
        {
            LinkedListNode<(string Text, TokenConstraint Constraint)>? known = _newestFirst.First;
            while (known is not null && known.Value.Text != text) known = known.Next;
            if (known is null) known = new LinkedListNode<(string, TokenConstraint)>((text, new TokenConstraint(read(), tokenizer)));
            else _newestFirst.Remove(known);
            _newestFirst.AddFirst(known);
            if (_newestFirst.Count > Most) _newestFirst.RemoveLast();
            return known.Value.Constraint;
        }
    }
}
