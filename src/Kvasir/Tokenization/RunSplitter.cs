namespace Kvasir.Tokenization;

/// <summary>Cuts out runs of characters of one set; what lies between them stays whole.</summary>
/// <param name="members">Which characters make a run: class flags, or code point ranges.</param>
internal sealed class RunSplitter(RuneSet members) : PreTokenizer
{
    /// <summary>The fewest characters that are cut out.</summary>
    public int Shortest { get; init; } = 1;

    /// <summary>The most characters of one piece.</summary>
    public int Longest { get; init; } = int.MaxValue;

    /// <summary>One white-space character before a run goes with it.</summary>
    public bool TakesSpace { get; init; }

    /// <summary>Only a run at the end of the text is cut out.</summary>
    public bool OnlyAtEnd { get; init; }

    /// <inheritdoc/>
    public override void Split(ReadOnlySpan<char> text, IPieceSink sink)
    {
        int gap = 0;
        for (int at = 0; at < text.Length;)
        {
            int end = MatchEnd(text, at);
            if (end == 0 || (OnlyAtEnd && end < text.Length))
            {
                Rune.DecodeFromUtf16(text[at..], out _, out int length);
                at = Math.Max(end, at + length);
                continue;
            }
            if (at > gap) sink.Add(text[gap..at]);
            sink.Add(text[at..end]);
            gap = at = end;
        }
        if (gap < text.Length) sink.Add(text[gap..]);
    }

    /// <summary>The end of the match that starts at <paramref name="at"/>, or 0.</summary>
    private int MatchEnd(ReadOnlySpan<char> text, int at)
    {
        int end = TakesSpace && (CharClasses.Of(text[at]) & CharClass.Space) != 0 ? RunEnd(text, at + 1) : 0;
        return end > 0 ? end : RunEnd(text, at);
    }

    private int RunEnd(ReadOnlySpan<char> text, int at)
    {
        int count = 0;
        while (count < Longest && at < text.Length)
        {
            Rune.DecodeFromUtf16(text[at..], out Rune rune, out int length);
            if (!members.Contains(rune)) break;
            at += length;
            count++;
        }
        return count >= Shortest ? at : 0;
    }
}
