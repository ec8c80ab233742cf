using System.Text.RegularExpressions;
using Kvasir.Documents.Retrieval;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>
/// The chunks of a catalog, or of some of its files, made ready for searching; kept between questions while the catalog stays the same. Chunks of one text
/// have one place, whatever the number of files that hold it.
/// </summary>
internal sealed partial class PassageIndex : ITermSource
{
    /// <summary>Texts whose sentences are looked at; also enough that those that differ in white space alone do not take the places asked for.</summary>
    private const int Candidates = 50, CandidatesForOne = 4;

    private readonly Catalog _catalog;
    private readonly string _pieceEncoder;
    private readonly PathScope? _within;
    private readonly List<(StoredDocument Document, int Chunk)> _texts = [];
    private readonly Dictionary<int, List<(StoredDocument Document, int Chunk)>> _others = [];
    private readonly SortedSet<string> _wordsAlone = new(StringComparer.Ordinal);
    private readonly VectorIndex _vectors = new();
    private readonly Bm25Index _words;
    private readonly int _documents;

    public PassageIndex(Catalog catalog, string encoder, string pieceEncoder, PathScope? within)
    {
        _catalog = catalog;
        _pieceEncoder = pieceEncoder;
        _within = within;
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (StoredDocument document in catalog.Files.Where(file => within?.Contains(file.Path) != false).SelectMany(catalog.DocumentsOf))
        {
            _documents++;
            Add(document, catalog.Vectors(encoder, document), known);
        }

        _words = new Bm25Index(this);
    }

    public int Count => _texts.Count;

    /// <summary>Files whose chunks only their words find: no sound embeddings of them are stored.</summary>
    public IReadOnlyList<string> WordsAlone => [.. _wordsAlone];

    public int Length(int text) => Chunk(text).Words;

    public ReadOnlySpan<uint> Terms(int text) => _catalog.Terms(Chunk(text));

    public ReadOnlySpan<ushort> Counts(int text) => _catalog.TermFrequencies(Chunk(text));

    /// <summary>Whether it was made of this.</summary>
    public bool IsOf(Catalog catalog, PathScope? within) => _catalog == catalog && (_within is null ? within is null : within is not null && _within.IsSameAs(within));

    /// <summary>The best <paramref name="count"/> passages, best first: by embedding and words, and the best of those by their sentences too.</summary>
    public Found Find(string question, float[] embedding, int count)
    {
        float[] cosines = _vectors.Scores(embedding);
        float[] words = _words.Scores(question, out Dictionary<uint, float> weights);
        float[] fused = RankFusion.Fuse(cosines, words);
        int[] candidates = TopScores.Best(fused, Math.Max(Candidates, CandidatesForOne * count));
        float[] sentences = new float[fused.Length];
        foreach (int text in candidates) sentences[text] = SentenceCosine(text, embedding);

        fused = RankFusion.Fuse(cosines, words, sentences);
        IEnumerable<Passage> ranked = candidates.OrderByDescending(text => fused[text]).Select(text =>
            NewPassage(text, fused[text], cosines[text], words[text]) with { SentenceCosine = sentences[text], Words = Share(weights, Terms(text)) });
        return new Found(Distinct(ranked, count), _documents, Count, HasUnknownName(question, weights), WordsAlone);
    }

    /// <summary>The first <paramref name="count"/> passages of different texts; what differs in white space alone is named with the first of its kind.</summary>
    private static List<Passage> Distinct(IEnumerable<Passage> ranked, int count)
    {
        var found = new List<Passage>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Passage passage in ranked)
        {
            string squeezed = string.Join(' ', passage.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            if (places.TryGetValue(squeezed, out int place))
                found[place] = found[place] with { AlsoIn = [.. found[place].AlsoIn.Append(passage.File).Union(passage.AlsoIn).Where(file => file != found[place].File)] };
            else if (found.Count < count)
            {
                places[squeezed] = found.Count;
                found.Add(passage);
            }
        }

        return found;
    }

    private void Add(StoredDocument document, VectorRecord? vectors, Dictionary<string, int> known)
    {
        if (vectors is null) _wordsAlone.Add(document.File);

        for (int i = 0; i < document.Chunks.Length; i++)
        {
            if (!known.TryAdd(document.Chunks[i].KvName, _texts.Count))
            {
                int first = known[document.Chunks[i].KvName];
                (_others.TryGetValue(first, out List<(StoredDocument, int)>? others) ? others : _others[first] = []).Add((document, i));
                continue;
            }

            _texts.Add((document, i));
            if (vectors is null) _vectors.AddWithout(1);
            else _vectors.Add(_catalog.VectorRows(vectors), vectors.FirstRow + i, 1);
        }
    }

    private float SentenceCosine(int text, float[] embedding)
    {
        (StoredDocument document, int chunk) = _texts[text];
        return _catalog.Vectors(_pieceEncoder, document) is { } record ? PieceVectors.Best(_catalog.VectorRows(record).Read(record.FirstRow + chunk, 1), embedding) : 0;
    }

    /// <summary>Whether a name or number of the question, a word behind the first that begins with a capital or digit, stands nowhere here.</summary>
    private bool HasUnknownName(string question, Dictionary<uint, float> weights)
    {
        float unknown = Bm25Index.Weight(Count, 0);
        return NameOrNumber().Matches(question).Any(name => TermCounts.Of(name.Value).Terms.Any(term => weights.GetValueOrDefault(term) >= unknown));
    }

    [GeneratedRegex(@"(?<=\w\W+)(?<!\w)[\p{Lu}\p{Nd}]\w+")]
    private static partial Regex NameOrNumber();

    private StoredChunk Chunk(int text) => _texts[text].Document.Chunks[_texts[text].Chunk];

    /// <summary>The share of the weights whose terms are among <paramref name="terms"/>.</summary>
    private static float Share(Dictionary<uint, float> weights, ReadOnlySpan<uint> terms)
    {
        float found = 0, all = 0;
        foreach ((uint term, float weight) in weights)
        {
            all += weight;
            found += terms.Contains(term) ? weight : 0;
        }

        return all > 0 ? found / all : 0;
    }

    /// <summary>Of a text that stands in several files, the place whose file is still there.</summary>
    private Passage NewPassage(int text, float score, float cosine, float bm25)
    {
        List<(StoredDocument Document, int Chunk)> all = [_texts[text], .. _others.GetValueOrDefault(text) ?? []];
        (StoredDocument document, int chunk) = all.Count == 1 ? all[0] : all.Find(place => File.Exists(place.Document.File)) is { Document: not null } there ? there : all[0];
        return Retriever.NewPassage(_catalog, document, chunk, score, cosine, bm25) with
        {
            AlsoIn = [.. all.Select(place => place.Document.File).Distinct(StringComparer.Ordinal).Where(file => file != document.File)],
        };
    }
}
