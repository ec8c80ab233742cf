namespace Kvasir.Tokenization;

/// <summary>Which ids play which part, and how special tokens are recognised.</summary>
internal sealed record TokenizerSettings
{
    /// <summary>BOS or -1.</summary>
    public int BeginOfText { get; init; } = -1;

    /// <summary>EOS or -1.</summary>
    public int EndOfText { get; init; } = -1;

    /// <summary>The token of what the vocabulary cannot spell, or -1.</summary>
    public int Unknown { get; init; } = -1;

    /// <summary>Ids put before a text on request.</summary>
    public int[] Prefix { get; init; } = [];

    /// <summary>Ids put after a text on request.</summary>
    public int[] Suffix { get; init; } = [];

    /// <summary>Further ids that end generation.</summary>
    public int[] EndOfGeneration { get; init; } = [];

    /// <summary>Where encoding put a space before the text, so that decoding takes it away.</summary>
    public SpacePrefix SpacePrefix { get; init; }

    /// <summary>What is done to plain text before tokens of <see cref="Normalized"/> are looked for in it.</summary>
    public TextNormalizer? Normalizer { get; init; }

    /// <summary>What is done to each stretch of text that is left then.</summary>
    public TextNormalizer? StretchNormalizer { get; init; }

    /// <summary>In normalised text a space stands for U+2581.</summary>
    public bool SpacesMarked { get; init; }

    /// <summary>Named tokens looked for in normalised text; the others are before that, as spelled (Hugging Face's passes).</summary>
    public IReadOnlySet<int> Normalized { get; init; } = new HashSet<int>();

    /// <summary>How named tokens take in the white space around them; those not listed do not.</summary>
    public IReadOnlyDictionary<int, TokenBorders> Borders { get; init; } = new Dictionary<int, TokenBorders>();
}

/// <summary>Which stretches of text begin with a space that was not written.</summary>
internal enum SpacePrefix
{
    None,

    /// <summary>The first one.</summary>
    First,

    /// <summary>Each, after every special token too.</summary>
    Every,
}

/// <summary>What a named token asks of the text around it.</summary>
[Flags]
internal enum TokenBorders
{
    None = 0,

    /// <summary>White space before it belongs to it.</summary>
    TakesSpaceBefore = 1,

    /// <summary>White space after it belongs to it.</summary>
    TakesSpaceAfter = 2,

    /// <summary>It is recognised only where no letter or digit touches it.</summary>
    SingleWord = 4,
}
