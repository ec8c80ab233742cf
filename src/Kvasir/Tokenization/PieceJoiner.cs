namespace Kvasir.Tokenization;

/// <summary>What becomes of the delimiters at which a text is cut; the names are those of tokenizer.json.</summary>
internal enum SplitBehavior
{
    Isolated,
    Removed,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Joins delimiters and what lies between them to pieces. A delimiter that follows another one stays alone.</summary>
internal ref struct PieceJoiner(ReadOnlySpan<char> text, SplitBehavior behavior, IPieceSink sink)
{
    private readonly ReadOnlySpan<char> _text = text;
    private int _start, _end;
    private bool _last;

    /// <summary>The next stretch of the text.</summary>
    public void Add(int start, int end, bool isDelimiter)
    {
        if (start == end) return;
        bool joins = behavior switch
        {
            SplitBehavior.MergedWithPrevious => isDelimiter && !_last,
            SplitBehavior.MergedWithNext => !isDelimiter && _last,
            SplitBehavior.Contiguous => isDelimiter == _last,
            _ => false,
        };
        if (!joins || _end != start) End();
        if (!joins || _start == _end) _start = start;
        _end = end;
        _last = isDelimiter;
        if (isDelimiter && behavior == SplitBehavior.Removed) _start = _end;
    }

    /// <summary>Gives away what was joined last.</summary>
    public void End()
    {
        if (_end > _start) sink.Add(_text[_start.._end]);
        _start = _end;
    }
}
