using System.Buffers;

namespace Kvasir.Tokenization;

/// <summary>What all kinds have in common: named tokens cut out first, plain text between them, decoding by bytes.</summary>
internal abstract class VocabularyTokenizer : Tokenizer
{
    private readonly (NamedTokens Spelled, NamedTokens Normalized) _namedTokens, _userDefinedTokens;
    private readonly HashSet<int> _endOfGeneration;

    private readonly Lazy<string> _identity;

    /// <summary>
    /// A tokenizer over <paramref name="vocabulary"/>; ids in the settings were checked against it. Its identity is computed when it is
    /// asked for.
    /// </summary>
    protected VocabularyTokenizer(Vocabulary vocabulary, TokenizerSettings settings, Func<string> identity)
    {
        Vocabulary = vocabulary;
        Settings = settings;
        _identity = new Lazy<string>(identity);
        _namedTokens = Passes(userDefinedOnly: false);
        _userDefinedTokens = Passes(userDefinedOnly: true);
        _endOfGeneration = [.. settings.EndOfGeneration, settings.EndOfText];
        foreach (string text in ControlTexts.EndsOfTurn) _endOfGeneration.Add(Find(text));
        _endOfGeneration.Add(vocabulary.Named.GetValueOrDefault(ControlTexts.EndOfText, -1));
        _endOfGeneration.Remove(-1);
    }

    /// <summary>The tokens.</summary>
    protected Vocabulary Vocabulary { get; }

    /// <summary>The parts that ids play.</summary>
    protected TokenizerSettings Settings { get; }

    /// <inheritdoc/>
    public sealed override string Identity => _identity.Value;

    /// <inheritdoc/>
    public sealed override int VocabularySize => Vocabulary.Count;

    /// <inheritdoc/>
    public sealed override int BeginOfText => Settings.BeginOfText;

    /// <inheritdoc/>
    public sealed override int EndOfText => Settings.EndOfText;

    /// <inheritdoc/>
    public sealed override bool AddsBeginOfText => Settings.Prefix.Length > 0 && Settings.Prefix[0] == Settings.BeginOfText;

    /// <inheritdoc/>
    public sealed override int[] Encode(ReadOnlySpan<char> text, bool parseSpecial = true, bool addSpecial = false)
    {
        using var ids = new TokenList((text.Length / 3) + 16);
        if (addSpecial) ids.Add(Settings.Prefix);
        (NamedTokens spelled, NamedTokens normalized) = parseSpecial ? _namedTokens : _userDefinedTokens;
        Encode(text, true, spelled, normalized, ids);
        if (addSpecial) ids.Add(Settings.Suffix);
        return ids.ToArray();
    }

    /// <inheritdoc/>
    public sealed override ReadOnlySpan<byte> Bytes(int id) => Vocabulary.Bytes(Checked(id));

    /// <inheritdoc/>
    public sealed override bool IsSpecial(int id) => Vocabulary.Kinds[Checked(id)] is TokenKind.Control or TokenKind.Unknown;

    /// <inheritdoc/>
    public sealed override bool IsEndOfGeneration(int id) => _endOfGeneration.Contains(id);

    /// <inheritdoc/>
    public sealed override int Find(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return Vocabulary.Named.TryGetValue(token, out int id) ? id : Vocabulary.Find(Encoding.UTF8.GetBytes(token));
    }

    /// <inheritdoc/>
    public sealed override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false)
    {
        var bytes = new ArrayBufferWriter<byte>(Math.Max(16, ids.Length * 5));
        bool unwritten = Settings.SpacePrefix != SpacePrefix.None;
        foreach (int id in ids)
        {
            ReadOnlySpan<byte> token = Bytes(id);
            if (Vocabulary.Kinds[id] is TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined)
            {
                bytes.Write(skipSpecial && IsSpecial(id) ? default : token);
                unwritten = Settings.SpacePrefix == SpacePrefix.Every || (unwritten && bytes.WrittenCount == 0);
                continue;
            }
            bytes.Write(unwritten && token is [(byte)' ', ..] ? token[1..] : token);
            unwritten = false;
        }
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>Appends the ids of a stretch of text in which no named token is.</summary>
    /// <param name="text">The text, normalised; not empty.</param>
    /// <param name="ids">Where the ids go.</param>
    protected abstract void EncodePlain(ReadOnlySpan<char> text, TokenList ids);

    /// <summary>One pass: named tokens, and between them the next pass (with <paramref name="next"/>) or plain text.</summary>
    private void Encode(ReadOnlySpan<char> text, bool first, NamedTokens named, NamedTokens? next, TokenList ids)
    {
        int at = 0, search = 0;
        while (named.TryFind(text, ref search, at, out int start, out int end, out int id))
        {
            if (start > at) EncodeBetween(text[at..start], first && at == 0, next, ids);
            ids.Add(id);
            at = end;
        }
        if (at < text.Length) EncodeBetween(text[at..], first && at == 0, next, ids);
    }

    private void EncodeBetween(ReadOnlySpan<char> text, bool first, NamedTokens? next, TokenList ids)
    {
        TextNormalizer? normalizer = next is null ? Settings.StretchNormalizer : Settings.Normalizer;
        text = normalizer is null ? text : normalizer.Normalize(text, first);
        if (next is not null) Encode(text, first, next, null, ids);
        else if (!text.IsEmpty) EncodePlain(text, ids);
    }

    private (NamedTokens Spelled, NamedTokens Normalized) Passes(bool userDefinedOnly)
    {
        Dictionary<string, int> spelled = new(StringComparer.Ordinal), normalized = new(StringComparer.Ordinal);
        foreach ((string text, int id) in Vocabulary.Named)
        {
            if (userDefinedOnly && Vocabulary.Kinds[id] != TokenKind.UserDefined) continue;
            if (!Settings.Normalized.Contains(id)) spelled.Add(text, id);
            else normalized.TryAdd(Settings.Normalizer?.Normalize(text, first: true).ToString() ?? text, id);
        }
        return (new(spelled, Settings.Borders), new(normalized, Settings.Borders, Settings.SpacesMarked));
    }

    private int Checked(int id) => (uint)id < (uint)Vocabulary.Count
        ? id
        : throw new InvalidInputException($"token id {id} is not in the vocabulary (0 to {Vocabulary.Count - 1})");
}
