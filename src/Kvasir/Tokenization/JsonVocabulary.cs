using System.Text.Json;

namespace Kvasir.Tokenization;

/// <summary>The <c>vocab</c> and <c>added_tokens</c> of tokenizer.json as one table of ids.</summary>
internal sealed class JsonVocabulary
{
    private readonly Dictionary<int, TokenBorders> _borders = [];
    private readonly HashSet<int> _literal = [], _normalized = [], _made = [];

    /// <summary>Reads them.</summary>
    /// <exception cref="InvalidInputException">An id is impossible or given twice.</exception>
    public JsonVocabulary(JsonFields root, JsonFields model)
    {
        JsonFields vocabulary = model.Object("vocab");
        JsonFields[] added = root.Has("added_tokens") ? root.Objects("added_tokens") : [];
        (string Text, int Id)[] entries = [.. vocabulary.All.Select(entry => (entry.Name, Id(entry, vocabulary.Place)))];
        IEnumerable<int> ids = entries.Select(entry => entry.Id).Concat(added.Select(token => token.Integer("id")));
        int count = Count(ids, entries.Length + added.Length, vocabulary.Place);
        Texts = new string[count];
        Kinds = new TokenKind[count];
        Array.Fill(Texts, "");
        bool byteFallback = model.Flag("byte_fallback", false);
        foreach ((string text, int id) in entries)
            Set(id, text, byteFallback && TokenSpellings.TryByte(text, out _) ? TokenKind.Byte : TokenKind.Normal, vocabulary.Place);
        foreach (JsonFields token in added)
        {
            int id = token.Integer("id");
            bool special = token.Flag("special", false);
            if (Kinds[id] == TokenKind.Normal && Texts[id] == token.Text("content")) _made.Add(id);
            Kinds[id] = TokenKind.Undefined;
            Set(id, token.Text("content"), special ? TokenKind.Control : TokenKind.UserDefined, token.Place);
            (token.Flag("normalized", !special) ? _normalized : _literal).Add(id);
            TokenBorders borders = (token.Flag("lstrip", false) ? TokenBorders.TakesSpaceBefore : TokenBorders.None)
                | (token.Flag("rstrip", false) ? TokenBorders.TakesSpaceAfter : TokenBorders.None)
                | (token.Flag("single_word", false) ? TokenBorders.SingleWord : TokenBorders.None);
            if (borders != TokenBorders.None) _borders[id] = borders;
        }
        Unknown = model.Has("unk_token") ? Array.IndexOf(Texts, model.Text("unk_token")) : -1;
        // One that was not added is not looked for in texts.
        if (Unknown >= 0 && Kinds[Unknown] != TokenKind.Normal) Kinds[Unknown] = TokenKind.Unknown;
    }

    /// <summary>The text of every id.</summary>
    public string[] Texts { get; }

    /// <summary>The kind of every id.</summary>
    public TokenKind[] Kinds { get; }

    /// <summary>The id of the unknown token, or -1.</summary>
    public int Unknown { get; }

    /// <summary>Ids of added tokens that are looked for in normalised text.</summary>
    public IReadOnlySet<int> Normalized => _normalized;

    /// <summary>What named tokens take in around them.</summary>
    public IReadOnlyDictionary<int, TokenBorders> Borders => _borders;

    /// <summary>Added tokens that are looked for before the text is normalised.</summary>
    public IReadOnlySet<int> Literal => _literal;

    /// <summary>Added tokens that stand in the vocabulary too, so that merges can make them (a padding token that is a word).</summary>
    public IReadOnlySet<int> Made => _made;

    /// <summary>The id of a token by its text, or -1.</summary>
    public int Find(string text) => Array.IndexOf(Texts, text);

    private void Set(int id, string text, TokenKind kind, string place)
    {
        if (Kinds[id] != TokenKind.Undefined)
            throw new InvalidInputException($"{place}: id {id} is given to '{Texts[id]}' and to '{text}'");
        Texts[id] = text;
        Kinds[id] = kind;
    }

    private static int Id(JsonProperty entry, string place) =>
        entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetInt32(out int id)
            ? id : throw new InvalidInputException($"{place}: the id of '{entry.Name}' is not a whole number");

    /// <summary>One more than the largest id. Ids may leave gaps, but not so many that a small file asks for much memory.</summary>
    private static int Count(IEnumerable<int> ids, int tokens, string place)
    {
        int largest = -1;
        foreach (int id in ids)
        {
            if (id < 0 || id > (4L * tokens) + 65536)
                throw new InvalidInputException($"{place}: id {id} is out of range for {tokens} tokens");
            largest = Math.Max(largest, id);
        }
        return largest >= 0 ? largest + 1 : throw new InvalidInputException($"{place} is empty");
    }
}
