using Kvasir.Formats;
using Kvasir.Memory;

namespace Kvasir.Cache;

/// <summary>A saved cache, mapped read-only. Caches that placed it keep the mapping alive after <see cref="Dispose"/>.</summary>
public sealed unsafe class KvFile : IDisposable
{
    /// <summary>How many layers before one is computed its pages are asked for.</summary>
    internal const int LayersAhead = 1;

    private const int Unchecked = 0, Claimed = 1, Checked = 2, MostBytesAtOnce = 1 << 24;

    private readonly MappedFile _file;
    private readonly KvFileHeader _header;
    private readonly KvLayout _layout;
    private readonly BlockCodec[] _codecs;
    private readonly long[] _offsets;
    private readonly int[] _firstHeads, _firstParts;
    private readonly int[] _states;
    private int _uncheckedLayers, _references = 1;
    private bool _disposed;

    private KvFile(MappedFile file, KvFileHeader header, KvLayout layout, long dataOffset)
    {
        (_file, _header, _layout) = (file, header, layout);
        var policy = KvPolicy.Parse(header.Kept.Policy);
        _firstHeads = new int[layout.Layers.Count + 1];
        for (int l = 0; l < layout.Layers.Count; l++) _firstHeads[l + 1] = _firstHeads[l] + layout.Layers[l].KvHeads;
        _states = new int[layout.Layers.Count];
        _uncheckedLayers = layout.Layers.Count;
        _firstParts = new int[_firstHeads[^1] + 1];
        for (int head = 0; head < _firstHeads[^1]; head++) _firstParts[head + 1] = _firstParts[head] + header.Kept.TableOf(head).Count;
        _codecs = new BlockCodec[_firstParts[^1]];
        _offsets = new long[_codecs.Length + 1];
        _offsets[0] = dataOffset;
        for (int l = 0, part = 0; l < layout.Layers.Count; l++)
            for (int head = _firstHeads[l]; head < _firstHeads[l + 1]; head++)
                foreach (KvFileHeader.SegmentShape segment in header.Kept.TableOf(head))
                {
                    _codecs[part] = CodecOf(layout, l, head - _firstHeads[l], segment);
                    _offsets[part + 1] = checked(_offsets[part] + segment.ListBytes + (long)segment.Blocks * _codecs[part++].Bytes);
                }
        if (policy.Profiles.Any(profile => !File.Exists(profile))) policy = policy with { Profile = null };
        if (policy.Thin is { Identity: string factors } thin)
            policy = policy with { Thin = thin with { Factors = layout.Codecs.Factors(factors) } };
        Policy = policy.Auto is null || Tokens == 0 ? policy : policy with { Chosen = KeptFormats() };
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>Number of tokens.</summary>
    public int Tokens => _header.Ids.Length;

    /// <summary>The token ids.</summary>
    public IReadOnlyList<int> Ids => _header.Ids;

    /// <summary>The position of its first token when it was computed.</summary>
    public int FirstPosition => _header.Kept.FirstPosition;

    /// <summary>
    /// The policy it was made with, without a profile that is not there: no file makes its reader write one where the file says. What
    /// <c>auto</c> chose is what its last blocks are kept as.
    /// </summary>
    public KvPolicy Policy { get; }

    /// <summary>Bytes of keys and values.</summary>
    public long Bytes => _offsets[^1] - _offsets[0];

    /// <summary>
    /// Maps a file and checks its header against the model it is to be used with. Its blocks are read, and their checksums checked, layer
    /// by layer in the first forward pass that attends to them.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="layout">That of the model it must belong to (<c>Model.CacheLayout</c>).</param>
    /// <param name="verify">Check the checksums of all blocks now (reads the whole file).</param>
    /// <exception cref="InvalidInputException">Not a KV file, damaged, or made by another model, tokenizer or version; the message says
    /// what differs.</exception>
    public static KvFile Open(string path, KvLayout layout, bool verify = false)
    {
        ArgumentNullException.ThrowIfNull(layout);
        MappedFile file = MappedFile.Open(path, scattered: true);
        try
        {
            KvFileHeader header = KvFileHeader.Read(file, out long dataOffset);
            CheckHeader(file, header, layout);
            var opened = new KvFile(file, header, layout, dataOffset);
            if (opened._offsets[^1] != file.Length)
                throw new InvalidInputException(
                    $"{path}: damaged KV file ({file.Length} bytes where its header promises {opened._offsets[^1]})");
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
    /// Rewrites a saved cache under another policy, without a forward pass: ids, identities and positions stay. Its checksums are checked
    /// first; written under a temporary name, flushed, renamed. Equal to what the policy would have made of the same keys and values, but
    /// for what the file's own encoding has lost (float32: nothing).
    /// </summary>
    /// <param name="source">The saved cache; it may be larger than memory.</param>
    /// <param name="destination">The file to write or replace.</param>
    /// <param name="layout">That of the model it belongs to.</param>
    /// <param name="policy">How the copy keeps keys and values.</param>
    /// <param name="beforeWriting">Told how many bytes the copy will have before anything is written; what it throws ends the
    /// conversion.</param>
    /// <returns>The number of its tokens.</returns>
    /// <exception cref="InvalidInputException">The source is missing, damaged, or belongs to another model.</exception>
    public static int Convert(string source, string destination, KvLayout layout, KvPolicy policy, Action<long>? beforeWriting = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(policy);
        using var pool = new BlockPool();
        using var pattern = new KvCache(layout, policy, pool);
        using KvFile file = Open(source, layout, verify: true);
        if (file.IsPruned)
            throw new InvalidInputException($"{source}: only part of its tokens were kept; it cannot be converted, compute it anew");
        KvFileConverter.Write(file, destination, pattern, beforeWriting);
        return file.Tokens;
    }

    /// <summary>Checks the checksum of every layer.</summary>
    /// <exception cref="DamagedKvException">One differs.</exception>
    public void Verify()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        VerifyLayers(again: true);
    }

    /// <summary>Asks the operating system to begin reading the file into memory. Returns at once; a hint.</summary>
    public void ReadAhead()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ReadAhead(0, _states.Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Release();
    }

    /// <summary>Whether some tokens were left out.</summary>
    internal bool IsPruned => _header.Kept.Tables.Any(table => table.Any(segment => segment.Span is not null));

    /// <summary>Runs of blocks of a head.</summary>
    internal int SegmentCount(int layer, int head) => TableOf(layer, head).Count;

    /// <summary>Checks the layers that have not been.</summary>
    /// <exception cref="DamagedKvException">One differs.</exception>
    internal void VerifyRest() => VerifyLayers(again: false);

    /// <summary>Whether all layers have been checked since the file was opened.</summary>
    internal bool IsChecked => Volatile.Read(ref _uncheckedLayers) == 0;

    /// <summary>Whether a layer has been.</summary>
    internal bool IsLayerChecked(int layer) => Volatile.Read(ref _states[layer]) == Checked;

    /// <summary>
    /// Checks a layer's checksum, unless that has been done or another thread is at it: for threads that share the work and wait for one
    /// another before they read the layer. False if it differs.
    /// </summary>
    internal bool Check(int layer)
    {
        if (Interlocked.CompareExchange(ref _states[layer], Claimed, Unchecked) != Unchecked) return true;
        if (Matches(layer)) MarkChecked(layer);
        else Volatile.Write(ref _states[layer], Unchecked);
        return IsLayerChecked(layer);
    }

    /// <summary>
    /// Asks the system to read layers [firstLayer, endLayer), as far as there are such; they lie side by side in the file.
    /// </summary>
    internal void ReadAhead(int firstLayer, int endLayer)
    {
        endLayer = Math.Min(endLayer, _states.Length);
        if (firstLayer < endLayer) _file.ReadAhead(LayerOffset(firstLayer), LayerOffset(endLayer) - LayerOffset(firstLayer));
    }

    /// <summary>
    /// A run of blocks of one head, shifted by <paramref name="shift"/> positions from where they were computed; queries are rerotated by
    /// as much unless <paramref name="rerotate"/> is false.
    /// </summary>
    internal MappedSegment Map(int layer, int head, int segment, int shift, bool rerotate = true)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        KvFileHeader.SegmentShape shape = TableOf(layer, head)[segment];
        int part = PartOf(layer, head, segment);
        byte* data = _file.Pointer + _offsets[part];
        KeptTokens? kept = shape.Span is int span ? new KeptTokens((ushort*)data, shape.Tokens, span) : null;
        return new MappedSegment(this, data + shape.ListBytes, _codecs[part], shape.FirstPosition + shift, shape.Offset
            + (rerotate ? shift : 0), shape.Tokens, kept)
        { ComputedAt = shape.FirstPosition - shape.Offset };
    }

    /// <summary>Whether every block is encoded as <paramref name="cache"/> would encode it, whatever the policies' texts are.</summary>
    internal bool IsKeptAs(KvCache cache)
    {
        for (int l = 0; l < _layout.Layers.Count; l++)
            for (int h = 0; h < _layout.Layers[l].KvHeads; h++)
                foreach ((int s, KvFileHeader.SegmentShape segment) in TableOf(l, h).Index())
                {
                    int computedAt = segment.FirstPosition - segment.Offset;
                    HeadCodec wanted = cache.Layers[l].Heads[h].Codec;
                    BlockCodec kept = _codecs[PartOf(l, h, s)];
                    if (kept != wanted.At(computedAt) || kept != wanted.At(computedAt + (segment.Blocks - 1) * KvBlock.Tokens))
                        return false;
                }
        return true;
    }

    /// <summary>Bytes of its blocks as <paramref name="cache"/> would encode them.</summary>
    internal long BytesAs(KvCache cache)
    {
        long bytes = 0;
        foreach ((int head, HeadCodec codec) in cache.Layers.SelectMany(layer => layer.Heads).Select(head => head.Codec).Index())
            foreach (KvFileHeader.SegmentShape segment in _header.Kept.TableOf(head))
            {
                int ofSink = codec.SinkBlocks(segment.FirstPosition - segment.Offset, segment.Blocks);
                bytes += (long)ofSink * codec.First.Bytes + (long)(segment.Blocks - ofSink) * codec.Rest.Bytes;
            }
        return bytes;
    }

    /// <summary>Lends all segments of one head, as <see cref="Map"/> gives them.</summary>
    internal void WithSegments(int layer, int head, int shift, Action<IReadOnlyList<KvSegment>> action)
    {
        KvSegment[] segments = [.. Enumerable.Range(0, SegmentCount(layer, head)).Select(segment => Map(layer, head, segment, shift))];
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
    internal string? Attachment => _header.Kept.Attachment;

    internal KvLayout Layout => _layout;

    internal void Retain() => Interlocked.Increment(ref _references);

    internal void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0) _file.Dispose();
    }

    private BlockCodec CodecOf(KvLayout layout, int layer, int head, KvFileHeader.SegmentShape segment)
    {
        try
        {
            return layout.Codecs.Block(layout.Layers[layer], layer, head, segment.Keys, segment.Values);
        }
        catch (InvalidInputException problem)
        {
            throw new InvalidInputException($"{Path}: {problem.Message}", problem);
        }
    }

    private static void CheckHeader(MappedFile file, KvFileHeader header, KvLayout layout)
    {
        string path = file.Path;
        KvFileHeader.Description kept = header.Kept;
        if (kept.Model != layout.ModelIdentity)
            throw new InvalidInputException(
                $"{path} was made by another model ({ModelIdentity.Short(kept.Model)}; "
                + $"the loaded one is {ModelIdentity.Short(layout.ModelIdentity)}): compute it "
                + "anew");
        if (kept.Tokenizer != layout.TokenizerIdentity)
            throw new InvalidInputException($"{path} was made with another tokenizer: compute it anew");
        bool shapes = header.Layers.Length == layout.Layers.Count
            && header.Layers.Zip(layout.Layers)
                .All(pair =>
                (pair.First.KvHeads, pair.First.KeyChannels, pair.First.ValueChannels) == (pair.Second.KvHeads, pair.Second.KeyChannels,
                pair.Second.ValueChannels));
        int heads = layout.Layers.Sum(layer => layer.KvHeads);
        bool tables = kept.FirstPosition >= 0 && kept.FitsHeads(heads);
        // A block takes 64 bytes or more: what is kept in memory by head and segment is bounded by the file.
        if (!shapes || !tables || !kept.Tables.All(Covers)
            || Enumerable.Range(0, heads).Sum(head => (long)kept.TableOf(head).Count) > file.Length / NativeBuffer.Alignment)
            throw new InvalidInputException($"{path}: damaged KV file (its parts do not fit the model or one another)");

        bool Covers(IReadOnlyList<KvFileHeader.SegmentShape> table)
        {
            int position = kept.FirstPosition;
            return table.All(segment =>
            {
                bool follows = segment.FirstPosition >= position && segment.FirstPosition < 1 << 30
                    && segment.Tokens is >= 0 and < 1 << 28 && Math.Abs((long)segment.Offset) < 1 << 28
                    && segment.Span is null or (>= 0 and <= KeptTokens.LargestSpan) && segment.Positions >= segment.Tokens;
                position = follows ? segment.FirstPosition + segment.Positions : position;
                return follows;
            }) && position - kept.FirstPosition == header.Ids.Length;
        }
    }

    private HeadFormats KeptFormats() => new([.. _layout.Layers.Select((layer, l) => (IReadOnlyList<(string, string)>)
        [.. Enumerable.Range(0, layer.KvHeads).Select(head => _codecs[PartOf(l, head, SegmentCount(l, head) - 1)])
            .Select(codec => (codec.Keys.Name, codec.Values.Name))])]);

    private void VerifyLayers(bool again)
    {
        for (int l = 0; l < _states.Length; l++)
        {
            if (!again && IsLayerChecked(l)) continue;
            ReadAhead(l, l + 1 + LayersAhead);
            if (!Matches(l)) throw new DamagedKvException(Path, l);
            MarkChecked(l);
        }
    }

    private bool Matches(int layer)
    {
        uint checksum = 0;
        long end = LayerOffset(layer + 1);
        for (long at = LayerOffset(layer); at < end; at += MostBytesAtOnce)
            checksum = Checksum.Of(_file.Slice(at, (int)Math.Min(MostBytesAtOnce, end - at)), checksum);
        return checksum == _header.Layers[layer].Checksum;
    }

    private void MarkChecked(int layer)
    {
        if (Interlocked.Exchange(ref _states[layer], Checked) != Checked) Interlocked.Decrement(ref _uncheckedLayers);
    }

    private long LayerOffset(int layer) => _offsets[_firstParts[_firstHeads[layer]]];

    private int PartOf(int layer, int head, int segment) => _firstParts[_firstHeads[layer] + head] + segment;

    private IReadOnlyList<KvFileHeader.SegmentShape> TableOf(int layer, int head) => _header.Kept.TableOf(_firstHeads[layer] + head);
}
