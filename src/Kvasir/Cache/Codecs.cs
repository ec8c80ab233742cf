using System.Collections.Concurrent;
using Kvasir.Numerics;
using Kvasir.Quantization;

namespace Kvasir.Cache;

/// <summary>The codecs of one model's caches, made once each and found by the names that files carry. Thread-safe.</summary>
internal sealed class Codecs(AttentionKernels kernels)
{
    private readonly ConcurrentDictionary<(string Keys, string Values, int KeyChannels, int ValueChannels), BlockCodec> _blocks = new();

    /// <exception cref="InvalidInputException">No such codec.</exception>
    public BlockCodec Block(LayerLayout layout, string keys, string values)
    {
        var shape = (keys, values, layout.KeyChannels, layout.ValueChannels);
        return _blocks.TryGetValue(shape, out BlockCodec? known) ? known : _blocks.GetOrAdd(shape, new BlockCodec(Keys(keys), Values(values), layout.KeyChannels, layout.ValueChannels));
    }

    private KeyCodec Keys(string name) => name switch
    {
        "f32" => new FloatKeys(kernels),
        "f16" => new HalfKeys(kernels),
        _ => QuantizedFormat.Parse(name) is { } format ? new QuantizedKeys(format, kernels.Codes) : throw new InvalidInputException($"key codec '{name}' is unknown to this version"),
    };

    private ValueCodec Values(string name) => name switch
    {
        "f32" => new FloatValues(kernels),
        "f16" => new HalfValues(kernels),
        _ => QuantizedFormat.Parse(name) is { Group: QuantizedFormat.DefaultGroup } format ? new QuantizedValues(format, kernels.Codes) : throw new InvalidInputException($"value codec '{name}' is unknown to this version"),
    };
}
