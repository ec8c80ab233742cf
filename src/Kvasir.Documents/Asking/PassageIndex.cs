using System.Text.RegularExpressions;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Retrieval;

namespace Kvasir.Documents.Asking;

/// <summary>
/// The texts of a catalog, or of some of its files, made ready for searching; kept between questions while the catalog stays the same. A
/// text has one place, whatever the number of files that hold it.
/// </summary>
internal sealed partial class PassageIndex : IDisposable
{
    /// <summary>
    /// Texts whose sentences are looked at; also enough that those that differ in white space alone do not take the places asked for.
    /// </summary>
    private const int Candidates = 50, CandidatesForOne = 4;

    /// <summary>A word in more texts than these, and than one in <see cref="CommonShare"/>, says nothing of what is asked.</summary>
    private const int CommonTexts = 4000, CommonShare = 100;

    /// <summary>
    /// Texts that are ranked by their words, those of the rarest words first (2 µs each); the rarest ranks all of its texts.
    /// </summary>
    private const int RankedTexts = 4000;

    private readonly ICatalog _catalog;
    private readonly string _pieceEncoder;
    private readonly PathScope? _within;
    private readonly (long, long) _version;
    private readonly bool _isAll;
    private readonly long[] _texts;
    private readonly VectorIndex _vectors;
    private readonly int _documents;

    public PassageIndex(ICatalog catalog, string encoder, string pieceEncoder, PathScope? within)
    {
        _catalog = catalog;
        _pieceEncoder = pieceEncoder;
        _within = within;
        _version = catalog.Version;
        IReadOnlyList<StoredFile> all = catalog.Files();
        List<StoredFile> files = [.. all.Where(file => within?.Contains(file.Path) != false)];
        _isAll = files.Count == all.Count;
        _documents = files.Sum(file => file.Documents);
        _texts = catalog.Texts(_isAll ? null : [.. files.Select(file => file.Path)]);
        _vectors = new VectorIndex(catalog, encoder, _texts);
        WordsAlone = _vectors.Without.Count == _texts.Length
            ? [.. files.Select(file => file.Path)]
            : [.. _vectors.Without.SelectMany(Places).Select(place => place.File).Distinct().Order(StringComparer.Ordinal)];
    }

    public int Count => _texts.Length;

    /// <summary>Files whose chunks only their words find: no sound embeddings of them are stored.</summary>
    public IReadOnlyList<string> WordsAlone { get; }

    /// <summary>Whether it was made of this.</summary>
    public bool IsOf(ICatalog catalog, PathScope? within) =>
        _catalog == catalog && _version == catalog.Version
            && (_within is null ? within is null : within is not null && _within.IsSameAs(within));

    /// <summary>
    /// The best <paramref name="count"/> passages, best first: by embedding and words, and the best of those by their sentences too.
    /// </summary>
    public Found Find(string question, ReadOnlySpan<float> embedding, int count)
    {
        count = Math.Min(count, Count);
        if (!embedding.IsEmpty) CheckWidth(embedding);
        float[] cosines = _vectors.Scores(embedding);
        bool byWordsAlone = _vectors.Without.Count == _texts.Length || !embedding.ContainsAnyExcept(0f);
        List<Word> asked = [.. (byWordsAlone ? Words.OfSubject(question) : Words.Of(question)).Select(Look)];
        Dictionary<int, float> words = Bm25(asked), sentences = [];
        int[] byCosine = TopScores.Best(cosines, RankFusion.Depth), byWords = TopScores.Best(words, RankFusion.Depth);
        foreach ((int text, _) in RankFusion.Fuse(byCosine, byWords).Take(Math.Max(Candidates, CandidatesForOne * count)))
            sentences[text] = SentenceCosine(_texts[text], embedding);
        IEnumerable<Passage> ranked = RankFusion.Fuse(byCosine, byWords, TopScores.Best(sentences, sentences.Count))
            .Where(item => sentences.ContainsKey(item.Item))
            .Select(item => NewPassage(_texts[item.Item]) is { } passage
            ? passage with
            {
                Score = item.Score,
                Cosine = cosines[item.Item],
                Bm25 = words.GetValueOrDefault(item.Item),
                SentenceCosine = sentences[item.Item],
                Words = Share(asked, _texts[item.Item]),
            }
            : null).OfType<Passage>();
        return new Found(Distinct(ranked, count), _documents, Count, HasUnknownName(question, asked), WordsAlone);
    }

    /// <summary>The <paramref name="count"/> passages with the greatest cosines above 0, best first; their score is the cosine.</summary>
    /// <exception cref="InvalidInputException">The embedding has another number of dimensions than those of the texts.</exception>
    public Found Nearest(ReadOnlySpan<float> embedding, int count)
    {
        count = Math.Min(count, Count);
        CheckWidth(embedding);
        float[] cosines = _vectors.Scores(embedding);
        IEnumerable<Passage> ranked = TopScores.Best(cosines, CandidatesForOne * count)
            .Select(text => NewPassage(_texts[text]) is { } passage
            ? passage with { Score = cosines[text], Cosine = cosines[text] } : null).OfType<Passage>();
        return new Found(Distinct(ranked, count), _documents, Count, NamesUnknown: false, WordsAlone);
    }

    public void Dispose() => _vectors.Dispose();

    private void CheckWidth(ReadOnlySpan<float> embedding)
    {
        if (_vectors.Width > 0 && embedding.Length != _vectors.Width)
            throw new InvalidInputException(
                $"an embedding of {embedding.Length} dimensions; those of the stored texts have {_vectors.Width}");
    }

    /// <summary>
    /// The first <paramref name="count"/> passages of different texts; what differs in white space alone is named with the first of its
    /// kind.
    /// </summary>
    private static List<Passage> Distinct(IEnumerable<Passage> ranked, int count)
    {
        var found = new List<Passage>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Passage passage in ranked)
        {
            string squeezed = string.Join(' ', passage.Stored.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            if (places.TryGetValue(squeezed, out int place))
                found[place] =
                    found[place] with
                    {
                        AlsoIn =
                        [.. found[place].AlsoIn.Append(passage.File).Union(passage.AlsoIn).Where(file => file != found[place].File)]
                    };
            else if (found.Count < count)
            {
                places[squeezed] = found.Count;
                found.Add(passage);
            }
        }

        return found;
    }

    /// <summary>Where a word stands here, and what it weighs: idf = ln(1 + (N − n + ½)/(n + ½)) (Robertson and Zaragoza, 2009).</summary>
    private Word Look(string word)
    {
        int most = Math.Max(CommonTexts, Count / CommonShare);
        long[] texts = _catalog.TextsWith(word, most + 1);
        if (texts.Length > most) return new Word(word, [], IsCommon: true, 0);
        if (!_isAll) texts = [.. texts.Where(text => Array.BinarySearch(_texts, text) >= 0)];
        return new Word(word, texts, IsCommon: false,
            (float)Math.Log(1 + (Math.Max(0, Count - texts.Length) + 0.5) / (texts.Length + 0.5)));
    }

    /// <summary>The BM25 scores of the texts that have any.</summary>
    private Dictionary<int, float> Bm25(IReadOnlyList<Word> asked)
    {
        int texts = 0;
        List<string> ranking = [.. asked.Where(word => word.Texts.Length > 0).OrderBy(word => word.Texts.Length)
            .TakeWhile(word => texts == 0 | (texts += word.Texts.Length) <= RankedTexts).Select(word => word.Text)];
        var scores = new Dictionary<int, float>();
        foreach ((long text, float score) in _catalog.Rank(ranking, _isAll ? 2 * RankFusion.Depth : -1))
            if (Array.BinarySearch(_texts, text) is >= 0 and int at) scores[at] = score;
        return scores;
    }

    private float SentenceCosine(long text, ReadOnlySpan<float> embedding) =>
        !embedding.IsEmpty && _catalog.Embedding(_pieceEncoder, text) is { } row ? PieceVectors.Best(row, embedding) : 0;

    /// <summary>
    /// Whether a name or number of the question, a word behind the first that begins with a capital or digit, stands nowhere here.
    /// </summary>
    private static bool HasUnknownName(string question, List<Word> asked) =>
        NameOrNumber().Matches(question).SelectMany(name => Words.Of(name.Value))
            .Any(name => asked.Exists(word => word.Text == name && word is { IsCommon: false, Texts.Length: 0 }));

    [GeneratedRegex(@"(?<=\w\W+)(?<!\w)[\p{Lu}\p{Nd}]\w+")]
    private static partial Regex NameOrNumber();

    /// <summary>The share of the words' weight that stands in a text.</summary>
    private static float Share(List<Word> asked, long text)
    {
        float all = asked.Sum(word => word.Weight);
        return all > 0 ? asked.Where(word => Array.BinarySearch(word.Texts, text) >= 0).Sum(word => word.Weight) / all : 0;
    }

    private IEnumerable<TextPlace> Places(long text) => _catalog.Places(text).Where(place => _within?.Contains(place.File) != false);

    /// <summary>Of a text that stands in several files, the place whose file is still there; null where all are damaged.</summary>
    private Passage? NewPassage(long text)
    {
        List<TextPlace> all = [.. Places(text)];
        if (all.Count == 0) return null;
        TextPlace there = (all.Count > 1 ? all.Find(place => File.Exists(place.File)) : null) ?? all[0];
        return Retriever.NewPassage(there.File, there.Document, there.Part, there.Chunk) with
        {
            AlsoIn = [.. all.Select(place => place.File).Distinct(StringComparer.Ordinal).Where(file => file != there.File)],
        };
    }

    /// <summary>A word of a question: the texts that hold it, unless it is too common, and its weight.</summary>
    private sealed record Word(string Text, long[] Texts, bool IsCommon, float Weight);
}
