using Kvasir.Generation.Constraints;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <summary>One text on its way: takes logits step by step, chooses tokens, gives out text, and knows when to end.</summary>
internal sealed class Continuation
{
    private readonly Tokenizer _tokenizer;
    private readonly GenerationOptions _options;
    private readonly Sampler _sampler;
    private readonly StopMatcher _stops;
    private readonly TextStream _stream;
    private readonly StringBuilder _text = new();
    private readonly List<int> _ids;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly int _promptTokens;
    private readonly TokenConstraint.Progress? _constraint;
    private readonly List<TokenLogprobs> _logprobs = [];
    private long _firstToken;
    private long _lastToken;

    public Continuation(Tokenizer tokenizer, GenerationOptions options, int promptTokens)
    {
        _tokenizer = tokenizer;
        _options = options;
        _sampler = new Sampler(options.Sampler);
        _stops = new StopMatcher(options.Stop);
        _stream = new TextStream(tokenizer, skipSpecial: !options.ShowControlTokens);
        _constraint = options.Constraint?.Begin();
        Drafts = options.DraftTokens > 0 ? new PromptLookup(options.DraftTokens) : null;
        _ids = new List<int>(Math.Min(options.MaxTokens, 4096));
        _promptTokens = promptTokens;
    }

    /// <summary>Null while it goes on.</summary>
    public FinishReason? Finish { get; private set; }

    /// <summary>Whether a token has been chosen.</summary>
    public bool HasBegun => _firstToken != 0;

    /// <summary>Each token's probability so far, where they are asked for.</summary>
    public IReadOnlyList<TokenLogprobs> Logprobs => _logprobs;

    /// <summary>Tokens generated so far.</summary>
    public int Count => _ids.Count;

    /// <summary>Tokens that may still be generated.</summary>
    public int Left => _options.MaxTokens - _ids.Count;

    /// <summary>What proposes tokens; null where none are to be proposed.</summary>
    public PromptLookup? Drafts { get; }

    /// <summary>Tokens that were proposed before they were chosen.</summary>
    public int AcceptedDraftTokens { get; set; }

    /// <summary>How much of the prompt was not computed again.</summary>
    public int ReusedTokens { get; set; }

    /// <summary>Chooses the next token and appends it to the history.</summary>
    /// <param name="logits">[vocabulary], of the newest token.</param>
    /// <param name="history">All tokens of the sequence.</param>
    /// <param name="contextLength">The longest the sequence may become.</param>
    /// <returns>The text that is certain now; may be empty.</returns>
    public string Take(Span<float> logits, List<int> history, int contextLength)
    {
        int known = Math.Min(logits.Length, _tokenizer.VocabularySize); // output matrices are often padded
        LogSoftmax? probabilities = _options.TopLogprobs is int top ? new LogSoftmax(logits[..known], top) : null;
        int id = _sampler.Sample(logits[..known], CollectionsMarshal.AsSpan(history), CollectionsMarshal.AsSpan(_ids), _constraint);
        _lastToken = Stopwatch.GetTimestamp();
        if (_firstToken == 0) _firstToken = _lastToken;
        if (id >= 0 && (!_options.IgnoreEndOfText || _constraint is not null) && _tokenizer.IsEndOfGeneration(id))
            return End(FinishReason.Stop);
        if (id < 0) return End(FinishReason.Length); // a grammar that has no end
        _constraint?.Take(id);
        if (probabilities is not null) _logprobs.Add(probabilities.Of(id));
        bool contextFull = history.Count >= contextLength;
        _ids.Add(id);
        history.Add(id);
        string piece = _stops.Add(_stream.Add(id));
        _text.Append(piece);
        if (_stops.Stopped) Finish = FinishReason.Stop;
        else if (_constraint?.IsAtEnd == true) piece += End(FinishReason.Stop);
        else if (_ids.Count >= _options.MaxTokens) piece += End(FinishReason.Length);
        else if (contextFull) piece += End(FinishReason.Context);
        else if (_options.StopAtRepetition && Repetition.EndsIn(CollectionsMarshal.AsSpan(_ids))) piece += End(FinishReason.Repetition);
        return piece;
    }

    /// <summary>Ends the text and returns what was still held back.</summary>
    public string End(FinishReason reason)
    {
        if (Finish is not null) return "";
        string rest = _stops.Add(_stream.Finish());
        Finish = _stops.Stopped ? FinishReason.Stop : reason;
        rest += _stops.Finish();
        _text.Append(rest);
        return rest;
    }

    public GenerationResult Result(long kvBytes)
    {
        double decoding = Stopwatch.GetElapsedTime(_firstToken, _lastToken).TotalSeconds;
        long end = _lastToken == 0 ? Stopwatch.GetTimestamp() : _lastToken;
        return new GenerationResult
        {
            Text = _text.ToString(),
            Ids = [.. _ids],
            Logprobs = _logprobs,
            FinishReason = Finish ?? FinishReason.Cancelled,
            PromptTokens = _promptTokens,
            ReusedTokens = ReusedTokens,
            TimeToFirstToken = _firstToken == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_started, _firstToken),
            TotalTime = Stopwatch.GetElapsedTime(_started, end),
            TokensPerSecond = _ids.Count > 1 && decoding > 0 ? (_ids.Count - 1) / decoding : 0,
            AcceptedDraftTokens = AcceptedDraftTokens,
            KvBytes = kvBytes,
        };
    }
}
