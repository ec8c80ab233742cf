using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>Counts what caches hold, layer by layer and codec by codec; blocks that several share count in each.</summary>
internal sealed class CacheCensus
{
    private readonly List<(long Bytes, Dictionary<string, int> Codecs)> _layers = [];

    public CacheCensus With(KvCache cache)
    {
        foreach ((int i, LayerCache layer) in cache.Layers.Index())
        {
            if (i == _layers.Count) _layers.Add((0, []));
            Dictionary<string, int> codecs = _layers[i].Codecs;
            _layers[i] = (_layers[i].Bytes + layer.Bytes, codecs);
            foreach (HeadCache head in layer.Heads)
            {
                foreach (KvSegment segment in head.Segments) Add(codecs, Name(segment.Codec), segment.BlockCount);
                Add(codecs, "f32 tail", head.Tail.BlockCount);
            }
        }

        return this;
    }

    public IReadOnlyList<LayerStatus> Layers() => [.. _layers.Select((layer, i) => new LayerStatus(i, layer.Bytes, layer.Codecs))];

    private static string Name(BlockCodec codec) =>
        codec.Keys.Name == codec.Values.Name ? codec.Keys.Name : $"{codec.Keys.Name}/{codec.Values.Name}";

    private static void Add(Dictionary<string, int> codecs, string name, int blocks)
    {
        if (blocks > 0) codecs[name] = codecs.GetValueOrDefault(name) + blocks;
    }
}
