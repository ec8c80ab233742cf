using System.Numerics.Tensors;

namespace Kvasir.Generation;

/// <summary>The logarithms of the probabilities that logits stand for, of which the largest are found at once.</summary>
internal sealed class LogSoftmax
{
    private readonly float[] _logits;
    private readonly double _normalizer;
    private readonly (int, double)[] _top;

    public LogSoftmax(ReadOnlySpan<float> logits, int top)
    {
        _logits = logits.ToArray();
        float largest = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits) sum += Math.Exp(logit - largest);
        _normalizer = largest + Math.Log(sum);
        var candidates = new CandidateList();
        candidates.TakeLargest(logits, Math.Min(Math.Max(1, top), logits.Length));
        _top = top == 0 ? [] : [.. candidates.Ids.ToArray().Select(id => (id, At(id)))];
    }

    public TokenLogprobs Of(int id) => new(id, At(id), _top);

    private double At(int id) => _logits[id] - _normalizer;
}
