using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>Writes a range of a cache, all sealed, as a KV file.</summary>
internal static unsafe class KvFileWriter
{
    public static void Write(
        string path, KvCache cache, ReadOnlySpan<int> ids, int firstToken, string? attachment = null, Action<long>? beforeWriting = null,
        bool isPrivate = false)
    {
        KvFileHeader header = Describe(cache, ids, firstToken, path);
        byte[] start = (header with { Kept = header.Kept with { Attachment = attachment } }).ToBytes();
        beforeWriting?.Invoke(start.Length + BlockBytes(cache, firstToken));
        using var file = new ReplacedFile(path, isPrivate);
        RandomAccess.Write(file.Handle, start, 0);
        long position = start.Length;
        for (int l = 0; l < cache.Layers.Count; l++)
            ForEachRun(cache, l, firstToken, run =>
            {
                RandomAccess.Write(file.Handle, run.Span, position);
                position += run.Length;
            });
        file.Commit();
    }

    private static KvFileHeader Describe(KvCache cache, ReadOnlySpan<int> ids, int firstToken, string path)
    {
        KvFileHeader.SegmentShape[][] tables =
            [.. cache.Layers.SelectMany(layer => layer.Heads).Select(head => Written(head, firstToken).Select(Shape).ToArray())];
        int tokens = ids.Length;
        if (tables.Any(table => table.Length == 0 || table[0].FirstPosition != firstToken
            || table[^1].FirstPosition + table[^1].Positions != firstToken + tokens))
            throw new ArgumentException($"{path}: token {firstToken} is not the border of a sealed part", nameof(firstToken));
        var layers = new KvFileHeader.LayerShape[cache.Layers.Count];
        for (int l = 0; l < layers.Length; l++)
        {
            uint checksum = 0;
            ForEachRun(cache, l, firstToken, run => checksum = Checksum.Of(run.Span, checksum));
            LayerLayout layout = cache.Layers[l].Layout;
            layers[l] = new KvFileHeader.LayerShape(layout.KvHeads, layout.KeyChannels, layout.ValueChannels, checksum);
        }
        return new KvFileHeader
        {
            Kept = new KvFileHeader.Description(
                cache.Layout.ModelIdentity, cache.Layout.TokenizerIdentity, cache.Policy.ToString(), firstToken, [], []).With(tables),
            Ids = ids.ToArray(),
            Layers = layers,
        };
    }

    private static KvFileHeader.SegmentShape Shape(Part part) =>
        new(part.FirstPosition, part.Segment.Offset, part.Tokens, part.Segment.Codec.Keys.Name,
            part.Segment.Codec.Values.Name)
        { Span = part.Segment.Kept?.Span };

    private static long BlockBytes(KvCache cache, int firstToken)
    {
        long bytes = 0;
        for (int l = 0; l < cache.Layers.Count; l++) ForEachRun(cache, l, firstToken, run => bytes += run.Length);
        return bytes;
    }

    private static void ForEachRun(KvCache cache, int layer, int firstToken, Action<Run> action)
    {
        foreach (HeadCache head in cache.Layers[layer].Heads)
            foreach (Part part in Written(head, firstToken))
            {
                if (part.Segment.Kept is { } kept) WriteList(kept, action);
                for (int b = part.FirstBlock; b < part.Segment.BlockCount; b++)
                    action(new Run(part.Segment.Keys(b), part.Segment.Codec.Bytes));
            }
    }

    private static void WriteList(KeptTokens kept, Action<Run> action)
    {
        byte[] list = new byte[(kept.Bytes.Length + NativeBuffer.Alignment - 1) / NativeBuffer.Alignment * NativeBuffer.Alignment];
        kept.Bytes.CopyTo(list);
        fixed (byte* data = list) action(new Run(data, list.Length));
    }

    /// <summary>The segments from a token on; of one that goes on over a border between full blocks, the blocks behind it.</summary>
    private static IEnumerable<Part> Written(HeadCache head, int firstToken) => head.Segments
        .Select(segment => new Part(segment, KvBlock.CountFor(Math.Max(0, firstToken - segment.FirstPosition))))
        .Where(part => part.Tokens > 0 || (part.Segment.TokenCount == 0 && part.FirstPosition >= firstToken));

    private readonly record struct Part(KvSegment Segment, int FirstBlock)
    {
        public int FirstPosition => Segment.FirstPosition + FirstBlock * KvBlock.Tokens;

        public int Tokens => Segment.TokenCount - FirstBlock * KvBlock.Tokens;
    }

    private readonly struct Run(byte* data, int length)
    {
        public int Length => length;

        public ReadOnlySpan<byte> Span => new(data, length);
    }
}
