using System.Buffers;
using System.Text;

namespace Kvasir.Tokenization;

/// <summary>What all kinds have in common: named tokens cut out first, plain text between them, decoding by bytes.</summary>
internal abstract class VocabularyTokenizer : Tokenizer
{
    private readonly NamedTokens _namedTokens;
    private readonly NamedTokens _userDefinedTokens;
    private readonly HashSet<int> _endOfGeneration;

    /// <summary>A tokenizer over <paramref name="vocabulary"/>; ids in the settings were checked against it.</summary>
    protected VocabularyTokenizer(Vocabulary vocabulary, TokenizerSettings settings)
    {
        Vocabulary = vocabulary;
        Settings = settings;
        _namedTokens = new NamedTokens(vocabulary.Named, settings.Borders);
        _userDefinedTokens = new NamedTokens(vocabulary.Named.Where(token => vocabulary.Kinds[token.Value] == TokenKind.UserDefined), settings.Borders);
        _endOfGeneration = [.. settings.EndOfGeneration, settings.EndOfText, .. ControlTexts.EndsOfTurn.Select(Find), vocabulary.Named.GetValueOrDefault(ControlTexts.EndOfText, -1)];
        _endOfGeneration.Remove(-1);
    }

    /// <summary>The tokens.</summary>
    protected Vocabulary Vocabulary { get; }

    /// <summary>The parts that ids play.</summary>
    protected TokenizerSettings Settings { get; }

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
        if (addSpecial)
        {
            ids.Add(Settings.Prefix);
        }
        NamedTokens named = parseSpecial ? _namedTokens : _userDefinedTokens;
        int at = 0;
        while (named.TryFind(text, at, out int start, out int end, out int id))
        {
            if (start > at)
            {
                EncodePlain(text[at..start], at == 0, ids);
            }
            ids.Add(id);
            at = end;
        }
        if (at < text.Length)
        {
            EncodePlain(text[at..], at == 0, ids);
        }
        if (addSpecial)
        {
            ids.Add(Settings.Suffix);
        }
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
    /// <param name="text">The text; not empty.</param>
    /// <param name="first">Whether it begins the whole text.</param>
    /// <param name="ids">Where the ids go.</param>
    protected abstract void EncodePlain(ReadOnlySpan<char> text, bool first, TokenList ids);

    private int Checked(int id) => (uint)id < (uint)Vocabulary.Count
        ? id
        : throw new InvalidInputException($"token id {id} is not in the vocabulary (0 to {Vocabulary.Count - 1})");
}
