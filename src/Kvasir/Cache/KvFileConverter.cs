using Kvasir.Memory;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Cache;

/// <summary>Writes a saved cache anew under another policy, block by block: no more than a buffer of it is in memory.</summary>
internal sealed unsafe class KvFileConverter : IDisposable
{
    private const int LeastBufferBytes = 4 << 20;

    private readonly KvFile _source;
    private readonly KvCache _pattern;
    private readonly SafeFileHandle _file;
    private readonly NativeBuffer _buffer;
    private int _filled;
    private long _position;

    private KvFileConverter(KvFile source, KvCache pattern, SafeFileHandle file, long dataOffset)
    {
        (_source, _pattern, _file, _position) = (source, pattern, file, dataOffset);
        _buffer = new NativeBuffer(
            pattern.Layers.SelectMany(layer => layer.Heads)
            .Max(head => Math.Max(LeastBufferBytes, Math.Max(head.Codec.First.Bytes, head.Codec.Rest.Bytes))));
    }

    /// <summary>
    /// Writes <paramref name="source"/> to <paramref name="destination"/> in the way that <paramref name="pattern"/>, an empty cache of the
    /// same model, would keep it.
    /// </summary>
    public static void Write(KvFile source, string destination, KvCache pattern, Action<long>? beforeWriting = null)
    {
        KvFileHeader header = Describe(source, pattern);
        int headerBytes = header.ToBytes().Length;
        beforeWriting?.Invoke(headerBytes + source.BytesAs(pattern));
        using var file = new ReplacedFile(destination);
        using var converter = new KvFileConverter(source, pattern, file.Handle, headerBytes);
        // The header stands first but carries the checksums of what follows; its length is known beforehand.
        KvFileHeader.LayerShape[] layers = [.. header.Layers.Select((layer, l) => layer with { Checksum = converter.WriteLayer(l) })];
        RandomAccess.Write(file.Handle, (header with { Layers = layers }).ToBytes(), 0);
        file.Commit();
    }

    public void Dispose() => _buffer.Dispose();

    private static KvFileHeader Describe(KvFile source, KvCache pattern)
    {
        var tables = new List<KvFileHeader.SegmentShape[]>();
        foreach ((int l, LayerCache layer) in pattern.Layers.Index())
            foreach ((int h, HeadCache head) in layer.Heads.Index())
                source.WithSegments(l, h, 0, segments =>
                    tables.Add(
                        [.. KvRun.Cut(segments, source.Policy.Sink, head.Codec.SinkTokens)
                        .Select(run => Shape(run, run.InSink ? head.Codec.First : head.Codec.Rest))]));
        return source.Header with { Kept = (source.Header.Kept with { Policy = pattern.Policy.ToString() }).With(tables) };

        static KvFileHeader.SegmentShape Shape(KvRun run, BlockCodec codec) =>
            new(run.FirstPosition, run.Offset, run.Tokens, codec.Keys.Name, codec.Values.Name);
    }

    /// <summary>Writes the blocks of one layer and returns their checksum.</summary>
    private uint WriteLayer(int layer)
    {
        uint checksum = 0;
        _source.ReadAhead(layer, layer + 1 + KvFile.LayersAhead);
        for (int h = 0; h < _pattern.Layers[layer].Heads.Length; h++)
        {
            using var recoder = new BlockRecoder(_pattern.Layers[layer].Layout, _pattern.Layers[layer].Heads[h].Codec);
            _source.WithSegments(layer, h, 0, segments =>
            {
                foreach (KvSegment segment in segments)
                    for (int b = 0; b < segment.BlockCount; b++)
                    {
                        int bytes = recoder.TargetOf(segment, b).Bytes;
                        if (_filled + bytes > _buffer.Length) Flush(ref checksum);
                        recoder.Recode(segment, b, _buffer.Pointer + _filled);
                        _filled += bytes;
                    }
            });
        }
        Flush(ref checksum);
        return checksum;
    }

    private void Flush(ref uint checksum)
    {
        var bytes = new ReadOnlySpan<byte>(_buffer.Pointer, _filled);
        checksum = Checksum.Of(bytes, checksum);
        RandomAccess.Write(_file, bytes, _position);
        _position += _filled;
        _filled = 0;
    }
}
