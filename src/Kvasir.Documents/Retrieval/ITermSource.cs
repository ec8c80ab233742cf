namespace Kvasir.Documents.Retrieval;

/// <summary>The word counts of texts, wherever they stand: see <see cref="TermCounts"/>.</summary>
internal interface ITermSource
{
    /// <summary>Texts.</summary>
    int Count { get; }

    /// <summary>Words in a text.</summary>
    int Length(int text);

    /// <summary>The distinct terms of a text.</summary>
    ReadOnlySpan<uint> Terms(int text);

    /// <summary>How often each of them occurs.</summary>
    ReadOnlySpan<ushort> Counts(int text);
}
