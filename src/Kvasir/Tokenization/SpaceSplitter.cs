namespace Kvasir.Tokenization;

/// <summary>Cuts before spaces: before each one, or before each run of them.</summary>
/// <param name="everySpace">A run is cut as well, so that each space begins a piece.</param>
internal sealed class SpaceSplitter(bool everySpace) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Split(ReadOnlySpan<char> text, IPieceSink sink)
    {
        int start = 0;
        for (int at = 1; at < text.Length; at++)
        {
            if (text[at] == ' ' && (everySpace || text[at - 1] != ' '))
            {
                sink.Add(text[start..at]);
                start = at;
            }
        }
        if (start < text.Length) sink.Add(text[start..]);
    }
}
