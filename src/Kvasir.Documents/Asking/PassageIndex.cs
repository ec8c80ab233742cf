using System.Text.RegularExpressions;
using Kvasir.Documents.Retrieval;
using Kvasir.Documents.Storage;

namespace Kvasir.Documents.Asking;

/// <summary>The chunks of a catalog, or of some of its files, made ready for searching; kept between questions while the catalog stays the same.</summary>
internal sealed partial class PassageIndex : ITermSource
{
    /// <summary>Passages whose sentences are looked at.</summary>
    private const int Candidates = 50;

    private readonly Catalog _catalog;
    private readonly string _pieceEncoder;
    private readonly PathScope? _within;
    private readonly List<StoredDocument> _documents = [];
    private readonly StoredChunk[] _chunks;
    private readonly int[] _documentOf;
    private readonly VectorIndex _vectors = new();
    private readonly Bm25Index _words;

    public PassageIndex(Catalog catalog, string encoder, string pieceEncoder, PathScope? within)
    {
        _pieceEncoder = pieceEncoder;
        _catalog = catalog;
        _within = within;
        foreach (StoredDocument document in catalog.Files.Where(file => within?.Contains(file.Path) != false).SelectMany(catalog.DocumentsOf))
        {
            _documents.Add(document);
            if (catalog.Vectors(encoder, document) is { } record)
            {
                _vectors.Add(catalog.VectorRows(record), record.FirstRow, record.Count);
            }
            else
            {
                _vectors.AddWithout(document.Chunks.Length);
            }
        }

        _chunks = [.. _documents.SelectMany(document => document.Chunks)];
        _documentOf = [.. _documents.SelectMany((document, number) => Enumerable.Repeat(number, document.Chunks.Length))];
        _words = new Bm25Index(this);
    }

    public int Count => _chunks.Length;

    public int Length(int text) => _chunks[text].Words;

    public ReadOnlySpan<uint> Terms(int text) => _catalog.Terms(_chunks[text]);

    public ReadOnlySpan<ushort> Counts(int text) => _catalog.TermFrequencies(_chunks[text]);

    /// <summary>Whether it was made of this.</summary>
    public bool IsOf(Catalog catalog, PathScope? within) => _catalog == catalog && (_within is null ? within is null : within is not null && _within.IsSameAs(within));

    /// <summary>The best <paramref name="count"/> passages, best first: by embedding and words, and the best of those by their sentences too.</summary>
    public Found Find(string question, float[] embedding, int count)
    {
        float[] cosines = _vectors.Scores(embedding);
        float[] words = _words.Scores(question, out Dictionary<uint, float> weights);
        float[] fused = RankFusion.Fuse(cosines, words);
        int[] candidates = TopScores.Best(fused, Math.Max(Candidates, count));
        float[] sentences = new float[fused.Length];
        foreach (int text in candidates)
        {
            sentences[text] = SentenceCosine(text, embedding);
        }

        fused = RankFusion.Fuse(cosines, words, sentences);
        List<Passage> passages = [.. candidates.OrderByDescending(text => fused[text]).Take(count).Select(text =>
            NewPassage(text, fused[text], cosines[text], words[text]) with { SentenceCosine = sentences[text], Words = Share(weights, Terms(text)) })];
        return new Found(passages, _documents.Count, Count, HasUnknownName(question, weights));
    }

    private float SentenceCosine(int text, float[] embedding)
    {
        StoredDocument document = _documents[_documentOf[text]];
        return _catalog.Vectors(_pieceEncoder, document) is { } record
            ? PieceVectors.Best(_catalog.VectorRows(record).Read(record.FirstRow + Array.IndexOf(document.Chunks, _chunks[text]), 1), embedding)
            : 0;
    }

    /// <summary>Whether a name or number of the question, a word behind the first that begins with a capital or digit, stands nowhere here.</summary>
    private bool HasUnknownName(string question, Dictionary<uint, float> weights)
    {
        float unknown = Bm25Index.Weight(Count, 0);
        return NameOrNumber().Matches(question).Any(name => TermCounts.Of(name.Value).Terms.Any(term => weights.GetValueOrDefault(term) >= unknown));
    }

    [GeneratedRegex(@"(?<=\w\W+)(?<!\w)[\p{Lu}\p{Nd}]\w+")]
    private static partial Regex NameOrNumber();

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

    private Passage NewPassage(int text, float score, float cosine, float bm25)
    {
        StoredDocument document = _documents[_documentOf[text]];
        return Retriever.NewPassage(_catalog, document, Array.IndexOf(document.Chunks, _chunks[text]), score, cosine, bm25);
    }
}
