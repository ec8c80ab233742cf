using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Kvasir.Memory;
using Kvasir.Models;

namespace Kvasir.Cache;

/// <summary>A saved cache, mapped read-only. Caches that placed it keep the mapping alive after <see cref="Dispose"/>.</summary>
public sealed unsafe class KvFile : IDisposable
{
    private readonly MappedFile _file;
    private readonly KvFileHeader _header;
    private readonly KvLayout _layout;
    private readonly long[][] _headOffsets;
    private readonly long _end;
    private int _references = 1;
    private bool _disposed;

    private KvFile(MappedFile file, KvFileHeader header, KvLayout layout, long dataOffset)
    {
        (_file, _header, _layout) = (file, header, layout);
        Ids = MemoryMarshal.Cast<byte, int>(header.Ids).ToArray();
        var policy = KvPolicy.Parse(header.Policy);
        Policy = policy.Profile is { } profile && !File.Exists(profile) ? policy with { Profile = null } : policy;
        _headOffsets = new long[layout.Layers.Count][];
        _end = dataOffset;
        for (int l = 0; l < _headOffsets.Length; l++)
        {
            _headOffsets[l] = new long[layout.Layers[l].KvHeads];
            for (int h = 0; h < _headOffsets[l].Length; h++)
            {
                _headOffsets[l][h] = _end;
                foreach (KvFileHeader.SegmentShape segment in header.Segments) _end = checked(_end + (long)segment.Blocks * CodecOf(segment, l, h).Bytes);
            }
        }
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>Number of tokens.</summary>
    public int Tokens => Ids.Count;

    /// <summary>The token ids.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>The position of its first token when it was computed.</summary>
    public int FirstPosition => _header.FirstPosition;

    /// <summary>The policy it was made with, without a profile that is not there: no file makes its reader write one where the file says.</summary>
    public KvPolicy Policy { get; }

    /// <summary>Bytes of keys and values.</summary>
    public long Bytes => _end - _headOffsets[0][0];

    /// <summary>Maps a file and checks its header against the model it is to be used with.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model it must belong to.</param>
    /// <param name="verify">Check the checksums of all blocks now (reads the whole file).</param>
    /// <exception cref="InvalidInputException">Not a KV file, damaged, or made by another model, tokenizer or version; the message says what differs.</exception>
    public static KvFile Open(string path, Model model, bool verify = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Open(path, model.CacheLayout, verify);
    }

    internal static KvFile Open(string path, KvLayout layout, bool verify)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            KvFileHeader header = KvFileHeader.Read(file, out long dataOffset);
            CheckHeader(path, header, layout);
            var opened = new KvFile(file, header, layout, dataOffset);
            if (opened._end != file.Length) throw new InvalidInputException($"{path}: damaged KV file ({file.Length} bytes where its header promises {opened._end})");
            if (verify) opened.Verify();
            return opened;
        }
        catch (Exception error)
        {
            file.Dispose();
            if (error is OverflowException) throw new InvalidInputException($"{path}: damaged KV file (sizes overflow)", error);
            throw;
        }
    }

    /// <summary>
    /// Rewrites a saved cache under another policy, without a forward pass: ids, identities and positions stay. Its checksums are checked first;
    /// written under a temporary name, flushed, renamed. Equal to what the policy would have made of the same keys and values, but for what the
    /// file's own encoding has lost (float32: nothing).
    /// </summary>
    /// <param name="source">The saved cache; it may be larger than memory.</param>
    /// <param name="destination">The file to write or replace.</param>
    /// <param name="model">The model it belongs to.</param>
    /// <param name="policy">How the copy keeps keys and values.</param>
    /// <returns>The number of its tokens.</returns>
    /// <exception cref="InvalidInputException">The source is missing, damaged, or belongs to another model.</exception>
    public static int Convert(string source, string destination, Model model, KvPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(model);
        using KvCache pattern = model.NewCache(policy);
        using KvFile file = Open(source, model, verify: true);
        KvFileConverter.Write(file, destination, pattern);
        return file.Tokens;
    }

    /// <summary>Checks the checksum of every layer.</summary>
    /// <exception cref="InvalidInputException">One differs.</exception>
    public void Verify()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        for (int l = 0; l < _layout.Layers.Count; l++)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long end = l + 1 < _headOffsets.Length ? _headOffsets[l + 1][0] : _end;
            for (long at = _headOffsets[l][0]; at < end; at += 1 << 24) hash.AppendData(_file.Slice(at, (int)Math.Min(1 << 24, end - at)));
            if (System.Convert.ToHexStringLower(hash.GetHashAndReset()) != _header.Layers[l].Sha256)
                throw new InvalidInputException($"{Path}: damaged KV file (the checksum of layer {l} differs)");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Release();
    }

    /// <summary>The segments of one head, shifted by <paramref name="shift"/> positions from where they were computed.</summary>
    internal IReadOnlyList<KvSegment> Map(int layer, int head, int shift)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        long offset = _headOffsets[layer][head];
        var mapped = new List<KvSegment>(_header.Segments.Count);
        foreach (KvFileHeader.SegmentShape shape in _header.Segments)
        {
            BlockCodec codec = CodecOf(shape, layer, head);
            mapped.Add(new MappedSegment(this, _file.Pointer + offset, codec, shape.FirstPosition + shift, shape.Offset + shift, shape.Tokens));
            offset += (long)shape.Blocks * codec.Bytes;
        }
        return mapped;
    }

    /// <summary>Whether every block is encoded as <paramref name="cache"/> would encode it, whatever the policies' texts are.</summary>
    internal bool IsKeptAs(KvCache cache)
    {
        for (int l = 0; l < _layout.Layers.Count; l++)
            for (int h = 0; h < _layout.Layers[l].KvHeads; h++)
                foreach (KvFileHeader.SegmentShape segment in _header.Segments)
                {
                    int computedAt = segment.FirstPosition - segment.Offset;
                    HeadCodec wanted = cache.Layers[l].Heads[h].Codec;
                    BlockCodec kept = CodecOf(segment, l, h);
                    if (kept != wanted.At(computedAt) || kept != wanted.At(computedAt + (segment.Blocks - 1) * KvBlock.Tokens)) return false;
                }
        return true;
    }

    /// <summary>Bytes of its blocks as <paramref name="cache"/> would encode them.</summary>
    internal long BytesAs(KvCache cache)
    {
        long bytes = 0;
        foreach (HeadCodec codec in cache.Layers.SelectMany(layer => layer.Heads).Select(head => head.Codec))
            foreach (KvFileHeader.SegmentShape segment in _header.Segments)
            {
                int ofSink = Math.Clamp(KvBlock.CountFor(codec.SinkTokens - segment.FirstPosition + segment.Offset), 0, segment.Blocks);
                bytes += (long)ofSink * codec.First.Bytes + (long)(segment.Blocks - ofSink) * codec.Rest.Bytes;
            }
        return bytes;
    }

    /// <summary>Lends the segments of one head, as <see cref="Map"/> gives them.</summary>
    internal void WithSegments(int layer, int head, int shift, Action<IReadOnlyList<KvSegment>> action)
    {
        IReadOnlyList<KvSegment> segments = Map(layer, head, shift);
        try
        {
            action(segments);
        }
        finally
        {
            foreach (KvSegment segment in segments) segment.Dispose();
        }
    }

    internal KvFileHeader Header => _header;

    /// <summary>Text that was saved with it, or null.</summary>
    internal string? Attachment => _header.Attachment;

    internal KvLayout Layout => _layout;

    internal void Retain() => Interlocked.Increment(ref _references);

    internal void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0) _file.Dispose();
    }

    private static void CheckHeader(string path, KvFileHeader header, KvLayout layout)
    {
        if (header.Model != layout.ModelIdentity()) throw new InvalidInputException($"{path} was made by another model ({Short(header.Model)}; the loaded one is {Short(layout.ModelIdentity())}): compute it anew");
        if (header.Tokenizer != layout.TokenizerIdentity()) throw new InvalidInputException($"{path} was made with another tokenizer: compute it anew");
        bool shapes = header.Layers.Count == layout.Layers.Count
            && header.Layers.Zip(layout.Layers).All(pair => (pair.First.KvHeads, pair.First.KeyChannels, pair.First.ValueChannels) == (pair.Second.KvHeads, pair.Second.KeyChannels, pair.Second.ValueChannels));
        int position = header.FirstPosition;
        int heads = layout.Layers.Sum(layer => layer.KvHeads);
        bool segments = position >= 0 && header.Segments.All(segment =>
        {
            bool follows = Fits(segment.Keys) && Fits(segment.Values) && segment.FirstPosition == position && segment.Tokens is > 0 and < 1 << 28 && Math.Abs((long)segment.Offset) < 1 << 28;
            position += follows ? segment.Tokens : 0;
            return follows;
        });
        if (!shapes || !segments || header.Ids.Length % sizeof(int) != 0 || position - header.FirstPosition != header.Ids.Length / sizeof(int))
            throw new InvalidInputException($"{path}: damaged KV file (its parts do not fit the model or one another)");

        bool Fits(IReadOnlyList<string>? codecs) => codecs is not null && (codecs.Count == 1 || codecs.Count == heads);
    }

    private static string Short(string identity) => identity.Length > 12 ? identity[..12] : identity;

    private BlockCodec CodecOf(KvFileHeader.SegmentShape segment, int layer, int head)
    {
        int place = _layout.Layers.Take(layer).Sum(shape => shape.KvHeads) + head;
        return _layout.Codecs.Block(_layout.Layers[layer], segment.Keys[Math.Min(place, segment.Keys.Count - 1)], segment.Values[Math.Min(place, segment.Values.Count - 1)]);
    }
}
