using System.Collections.Concurrent;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Cache;

/// <summary>The codecs of one model's caches, made once each and found by the names that files carry. Thread-safe.</summary>
internal sealed class Codecs(AttentionKernels kernels)
{
    private readonly ConcurrentDictionary<string, KeyFactors> _factors = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(Rotary Rotary, int Channels), RotaryRuns> _runs = new();
    private readonly ConcurrentDictionary<(string Keys, string Values, string Head, int KeyChannels, int ValueChannels), BlockCodec>
        _blocks = new();

    /// <summary>Makes factors known, so that files whose keys were kept by them can be read.</summary>
    public void Add(KeyFactors factors) => _factors[factors.ShortIdentity] = factors;

    /// <summary>Factors that are known, or null.</summary>
    public KeyFactors? Factors(string shortIdentity) => _factors.GetValueOrDefault(shortIdentity);

    /// <summary>A codec of one kv head, whose keys may be thin.</summary>
    /// <exception cref="InvalidInputException">No such codec, or the factors that it needs are not known.</exception>
    public BlockCodec Block(LayerLayout layout, int layer, int head, string keys, string values) =>
        ThinKeys.ParseCodecName(keys) is { } thin ? ThinBlock(layout, layer, head, keys, values, thin) : Block(layout, keys, values);

    private BlockCodec ThinBlock(
        LayerLayout layout, int layer, int head, string keys, string values, (int Rank, string Identity, string Inner) thin)
    {
        if (!_factors.TryGetValue(thin.Identity, out KeyFactors? factors))
            throw new InvalidInputException(
                $"its keys are kept thin by factors {thin.Identity}, which are not there: give the policy it was made with (as in "
                + "thin=50%,profile=FILE)");
        HeadFactors ofHead = factors.Layers[layer][head];
        if (ofHead.Rank != thin.Rank)
            throw new InvalidInputException(
                $"its keys of layer {layer}, head {head} have {thin.Rank} numbers, those of factors {thin.Identity} have {ofHead.Rank}");
        return _blocks.GetOrAdd((keys, values, $"{layer}.{head}", layout.KeyChannels, layout.ValueChannels), _ =>
            new BlockCodec(Thin(), Values(values), layout.KeyChannels, layout.ValueChannels));

        KeyCodec Thin() => ofHead.BeforeRotation
            ? new UnrotatedKeys(keys, ofHead, Keys(thin.Inner), kernels,
                _runs.GetOrAdd((layout.Rotary!, layout.KeyChannels), shape => new RotaryRuns(shape.Rotary, shape.Channels)))
            : new ProjectedKeys(keys, ofHead, Keys(thin.Inner), kernels);
    }

    /// <exception cref="InvalidInputException">No such codec.</exception>
    public BlockCodec Block(LayerLayout layout, string keys, string values)
    {
        var shape = (keys, values, "", layout.KeyChannels, layout.ValueChannels);
        return _blocks.TryGetValue(shape, out BlockCodec? known)
            ? known : _blocks.GetOrAdd(shape, new BlockCodec(Keys(keys), Values(values), layout.KeyChannels, layout.ValueChannels));
    }

    private KeyCodec Keys(string name) => name switch
    {
        "f32" => new FloatKeys(kernels),
        "f16" => new HalfKeys(kernels),
        _ => QuantizedFormat.Parse(name) is { } format
            ? new QuantizedKeys(format, kernels.Codes) : throw new InvalidInputException($"key codec '{name}' is unknown to this version"),
    };

    private ValueCodec Values(string name) => name switch
    {
        "f32" => new FloatValues(kernels),
        "f16" => new HalfValues(kernels),
        _ => QuantizedFormat.Parse(name) is { Group: QuantizedFormat.DefaultGroup } format ? new QuantizedValues(format, kernels.Codes)
            : throw new InvalidInputException($"value codec '{name}' is unknown to this version"),
    };
}
