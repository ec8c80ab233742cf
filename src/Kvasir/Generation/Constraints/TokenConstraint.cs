using Kvasir.Tokenization;

namespace Kvasir.Generation.Constraints;

/// <summary>
/// A grammar over a tokenizer's vocabulary: which tokens may come next, so that a generated text is always a beginning of one that the
/// grammar allows, and ends only where that does. What was found out is kept; share one between generations by the same grammar. Safe to
/// share between threads.
/// </summary>
public sealed class TokenConstraint
{
    /// <summary>Of 6 kB each for a vocabulary of 49,152.</summary>
    private const int MostMasks = 1024;

    private readonly Lock _turn = new();
    private readonly GrammarAutomaton _automaton;
    private readonly Tokenizer _tokenizer;
    private readonly TokenTrie _trie;
    private readonly GrammarAutomaton.State _start;
    private readonly Queue<GrammarAutomaton.State> _masked = new();

    /// <summary>A constraint.</summary>
    /// <param name="grammar">What the text may be.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <exception cref="InvalidInputException">The grammar is too ambiguous to be followed.</exception>
    public TokenConstraint(Grammar grammar, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(grammar);
        ArgumentNullException.ThrowIfNull(tokenizer);
        (_automaton, _tokenizer, _trie) = (new GrammarAutomaton(grammar), tokenizer, TokenTrie.Of(tokenizer));
        _start = _automaton.Start;
    }

    internal Progress Begin() => new(this, _start);

    private ulong[] Masked(GrammarAutomaton.State state)
    {
        if (state.Tokens is { } known) return known;
        if (_masked.Count == MostMasks) _masked.Dequeue().Tokens = null;
        _masked.Enqueue(state);
        _automaton.BeginAnswer();
        return state.Tokens = _trie.Allowed(_automaton, state);
    }

    /// <summary>How far one text has come.</summary>
    internal sealed class Progress(TokenConstraint of, GrammarAutomaton.State start)
    {
        private GrammarAutomaton.State _state = start;

        /// <summary>Whether nothing can follow.</summary>
        public bool IsAtEnd => _state.IsEnd;

        /// <summary>Whether a token may come next.</summary>
        public bool Allows(int id)
        {
            if (of._tokenizer.IsEndOfGeneration(id)) return _state.Accepts;
            return !of._tokenizer.IsSpecial(id) && of._tokenizer.Bytes(id).Length > 0 && Behind(id) is not null;
        }

        /// <summary>Takes away the logits of all tokens that may not.</summary>
        /// <returns>Whether any is left.</returns>
        public bool Mask(Span<float> logits)
        {
            ulong[] allowed;
            lock (of._turn) allowed = of.Masked(_state);
            for (int word = 0; word * 64 < logits.Length; word++)
            {
                if (allowed[word] == ulong.MaxValue) continue;
                Span<float> some = logits.Slice(word * 64, Math.Min(64, logits.Length - word * 64));
                if (allowed[word] == 0) some.Fill(float.NegativeInfinity);
                else
                    for (int bit = 0; bit < some.Length; bit++)
                        if ((allowed[word] >> bit & 1) == 0) some[bit] = float.NegativeInfinity;
            }

            return allowed.AsSpan().ContainsAnyExcept(0UL);
        }

        /// <summary>Goes on behind a token that was allowed.</summary>
        public void Take(int id) => _state = Behind(id) ?? throw new InvalidOperationException("the token is not allowed here");

        private GrammarAutomaton.State? Behind(int id)
        {
            GrammarAutomaton.State state = _state;
            lock (of._turn)
            {
                of._automaton.BeginAnswer();
                foreach (byte value in of._tokenizer.Bytes(id))
                {
                    if (of._automaton.Step(state, value) is not { } next) return null;
                    state = next;
                }

                return state;
            }
        }
    }
}
