using Kvasir.Documents;
using Kvasir.Documents.Asking;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;

namespace Kvasir.Extensions.AI;

/// <summary>Which of the passages that a search ranks are wanted.</summary>
internal sealed class PassageQuery(Func<DocumentPassage, bool>? filter, int top, int skip, double? leastScore)
{
    private readonly int _top = top > 0 ? top : throw new ArgumentOutOfRangeException(nameof(top), top, "ask for at least one record");

    /// <summary>What a filter refuses leaves room for more, so more is asked for until there is enough, or no more.</summary>
    /// <param name="best">The best passages, so many at most, by falling score.</param>
    public IReadOnlyList<VectorSearchResult<DocumentPassage>> Of(Func<int, IReadOnlyList<Passage>> best)
    {
        int most = (int)Math.Min(int.MaxValue, (long)skip + _top);
        for (int asked = most; ; asked = (int)Math.Min(int.MaxValue, 4L * asked))
        {
            Passage[] found = [.. best(asked).TakeWhile(passage => !(passage.Score < leastScore))];
            List<VectorSearchResult<DocumentPassage>> fit =
            [
                .. found.Select(passage => new VectorSearchResult<DocumentPassage>(DocumentPassage.Of(passage), passage.Score))
                    .Where(result => filter?.Invoke(result.Record) != false)
            ];
            if (fit.Count >= most || found.Length < asked) return [.. fit.Skip(skip).Take(_top)];
        }
    }

    /// <summary>The embedding that is searched for; null for a text where there is no encoder.</summary>
    public static ReadOnlyMemory<float>? Embedding(DocumentLibrary library, object? value) => value switch
    {
        string text => library.Embed(text) is { } own ? own : default(ReadOnlyMemory<float>?),
        float[] embedding => embedding,
        ReadOnlyMemory<float> embedding => embedding,
        Embedding<float> embedding => embedding.Vector,
        null => throw new ArgumentNullException(nameof(value)),
        _ => throw new NotSupportedException(
            $"Kvasir: searching for a {value.GetType().Name}; give a string, float[], ReadOnlyMemory<float> or Embedding<float>"),
    };
}
