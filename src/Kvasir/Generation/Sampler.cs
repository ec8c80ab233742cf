using System.Numerics.Tensors;
using Kvasir.Generation.Constraints;

namespace Kvasir.Generation;

/// <summary>Chooses tokens from logits. Keeps its random state and buffers: one per sequence. Allocates nothing per token.</summary>
public sealed class Sampler
{
    private readonly SamplerOptions _options;
    private readonly CandidateList _candidates = new();
    private SplitMix64 _random;
    private float[] _weights = [];
    private int[] _seen = [];
    private int _stamp;

    /// <summary>A sampler with its own random state.</summary>
    /// <exception cref="InvalidInputException">An option is out of its range.</exception>
    public Sampler(SamplerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _random = new SplitMix64(options.Seed ?? (ulong)Random.Shared.NextInt64());
    }

    /// <summary>The next token. Logits that are not a number are never chosen.</summary>
    /// <param name="logits">[vocabulary]; changed by the penalties.</param>
    /// <param name="history">The tokens so far, for the repetition penalty.</param>
    /// <exception cref="InvalidOperationException">No logit is usable: all are negative infinity or not a number.</exception>
    public int Sample(Span<float> logits, ReadOnlySpan<int> history = default) => Sample(logits, history, [], null);

    /// <summary>
    /// As <see cref="Sample(Span{float}, ReadOnlySpan{int})"/>, under a constraint where there is one. A token is drawn first, and the
    /// others are ruled out only if it is not allowed: most are, and drawing again among those allowed gives each the probability that it
    /// has among them.
    /// </summary>
    /// <param name="logits">[vocabulary]; changed by the penalties and the constraint.</param>
    /// <param name="history">The tokens so far, for the repetition penalty.</param>
    /// <param name="generated">Those that were generated, for the other penalties.</param>
    /// <param name="constraint">What may come next.</param>
    /// <returns>The token, or -1 where the constraint allows none.</returns>
    internal int Sample(Span<float> logits, ReadOnlySpan<int> history, ReadOnlySpan<int> generated, TokenConstraint.Progress? constraint)
    {
        if (_options.RepeatPenalty != 1) Penalize(logits, history);
        if (_options.FrequencyPenalty != 0 || _options.PresencePenalty != 0) PenalizeGenerated(logits, generated);
        int id = Draw(logits);
        if (constraint is null || constraint.Allows(id)) return id;
        return constraint.Mask(logits) ? Draw(logits) : -1;
    }

    private int Draw(Span<float> logits)
    {
        int best = Largest(logits);
        if (_options.Temperature == 0 || _options.TopK == 1 || float.IsPositiveInfinity(logits[best])) return best;
        if (_weights.Length < logits.Length) _weights = new float[logits.Length];
        Span<float> weights = _weights.AsSpan(0, logits.Length);
        double total = Weigh(logits, logits[best], weights);
        if (_options.TopK == 0 && _options.TopP == 1) return DrawFromAll(weights, total, best);
        if (_options.TopK > 0 && _options.TopK < weights.Length)
        {
            _candidates.TakeLargest(weights, _options.TopK);
            total = _candidates.Sum();
        }
        else _candidates.TakeMass(weights, _options.TopP * total, _options.MinP);

        _candidates.Cut(_options.TopP * total, _options.MinP);
        return _candidates.Draw(_random.NextDouble());
    }

    private void PenalizeGenerated(Span<float> logits, ReadOnlySpan<int> generated)
    {
        if (_seen.Length < logits.Length) _seen = new int[logits.Length];
        _stamp++;
        foreach (int id in generated)
        {
            if ((uint)id >= (uint)logits.Length) continue;
            logits[id] -= _options.FrequencyPenalty + (_seen[id] == _stamp ? 0 : _options.PresencePenalty);
            _seen[id] = _stamp;
        }
    }

    private void Penalize(Span<float> logits, ReadOnlySpan<int> history)
    {
        if (_seen.Length < logits.Length) _seen = new int[logits.Length];
        _stamp++;
        foreach (int id in history[Math.Max(0, history.Length - _options.RepeatWindow)..])
        {
            if ((uint)id >= (uint)logits.Length || _seen[id] == _stamp) continue;
            _seen[id] = _stamp;
            logits[id] = logits[id] > 0 ? logits[id] / _options.RepeatPenalty : logits[id] * _options.RepeatPenalty;
        }
    }

    private static int Largest(ReadOnlySpan<float> logits)
    {
        int best = TensorPrimitives.IndexOfMax(logits);
        if (best >= 0 && float.IsNaN(logits[best]))
        {
            best = -1;
            for (int id = 0; id < logits.Length; id++)
            {
                if (!float.IsNaN(logits[id]) && (best < 0 || logits[id] > logits[best])) best = id;
            }
        }

        return best >= 0 && !float.IsNegativeInfinity(logits[best])
            ? best : throw new InvalidOperationException("the model gave no usable logits");
    }

    /// <summary>weights = exp((logits - largest) / temperature), 0 where that is not a number; returns their sum.</summary>
    private double Weigh(Span<float> logits, float largest, Span<float> weights)
    {
        TensorPrimitives.Subtract(logits, largest, weights);
        TensorPrimitives.Divide(weights, _options.Temperature, weights);
        TensorPrimitives.Exp(weights, weights);
        float sum = TensorPrimitives.Sum<float>(weights);
        if (!float.IsNaN(sum)) return sum;
        for (int id = 0; id < weights.Length; id++)
        {
            if (float.IsNaN(weights[id])) weights[id] = 0;
        }

        return TensorPrimitives.Sum<float>(weights);
    }

    private int DrawFromAll(ReadOnlySpan<float> weights, double total, int best)
    {
        if (_options.MinP > 0)
        {
            total = 0;
            foreach (float weight in weights) total += weight >= _options.MinP ? weight : 0;
        }

        double left = _random.NextDouble() * total;
        for (int id = 0; id < weights.Length; id++)
        {
            if (weights[id] < _options.MinP) continue;
            left -= weights[id];
            if (left < 0) return id;
        }

        return best;
    }
}
