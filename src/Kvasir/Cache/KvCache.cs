namespace Kvasir.Cache;

/// <summary>The keys and values of one sequence. Used by one thread at a time; made by <see cref="Models.Model.NewCache"/>.</summary>
public sealed partial class KvCache : IDisposable
{
    private readonly LayerCache[] _layers;
    private readonly PlacedFiles _files;
    private bool _disposed;

    internal KvCache(KvLayout layout, KvPolicy policy, BlockPool pool)
        : this(layout, policy, pool, NewLayers(layout, policy, pool), 0, new PlacedFiles()) => CheckBudget();

    private KvCache(KvLayout layout, KvPolicy policy, BlockPool pool, LayerCache[] layers, int length, PlacedFiles files)
    {
        (Layout, Policy, Pool, _layers, Length, _files) = (layout, policy.Unsteered, pool, layers, length, files);
        Steer(policy.Steering);
    }

    /// <summary>The position that the next token gets: the number of tokens so far.</summary>
    public int Length { get; private set; }

    /// <summary>
    /// Bytes really held: sealed blocks and tail. Blocks shared with other caches and blocks of mapped files count in full.
    /// </summary>
    public long Bytes => _layers.Sum(layer => layer.Bytes);

    /// <summary>Bytes that the same tokens take in float16.</summary>
    public long BytesF16 => Length * Layout.BytesPerTokenF16;

    /// <summary>The policy it keeps to, without steering.</summary>
    public KvPolicy Policy { get; private set; }

    /// <summary>How attention over it is steered, or null.</summary>
    internal Steering? Steering { get; set; }

    internal KvLayout Layout { get; }

    internal BlockPool Pool { get; }

    internal IReadOnlyList<LayerCache> Layers => _layers;

    /// <summary>The files that its mapped segments lie in.</summary>
    internal PlacedFiles Files => _files;

    /// <summary>What is told of the attention of the queries to come, or null.</summary>
    internal AttentionStatistics? Observed { get; set; }

    /// <summary>A copy that shares all sealed blocks; only the tail is copied. O(blocks).</summary>
    public KvCache Fork()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new KvCache(Layout, Policy, Pool, With((_, head, _) => head.Copy()), Length, _files.Share()).ReadAs(this);
    }

    /// <summary>A copy that shares no block with this one, in memory of <paramref name="pool"/> (this cache's own by default).</summary>
    /// <exception cref="KvBudgetExceededException">The pool's budget does not hold it.</exception>
    /// <exception cref="DamagedKvException">A placed file, not checked before, is damaged.</exception>
    public KvCache Duplicate(BlockPool? pool = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _files.Verify();
        pool ??= Pool;
        long bytes = Bytes;
        pool.Reserve(bytes);
        try
        {
            return new KvCache(Layout, Policy, pool, With((_, head, _) => head.Duplicate(pool)), Length, new PlacedFiles()).ReadAs(this);
        }
        finally
        {
            pool.Release(bytes);
        }
    }

    /// <summary>
    /// A copy whose sealed blocks are decoded and encoded anew as <paramref name="policy"/> says; what one encoding has lost stays lost.
    /// </summary>
    /// <exception cref="DamagedKvException">A placed file, not checked before, is damaged.</exception>
    public KvCache Convert(KvPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ObjectDisposedException.ThrowIf(_disposed, this);
        _files.Verify();
        LayerCache[] layers = With((l, head, h) => head.Convert(policy.HeadCodec(Layout, l, h)));
        return new KvCache(Layout, policy, Pool, layers, Length, new PlacedFiles()).ReadAs(this);
    }

    /// <summary>A <see cref="Fork"/> in which one head's sealed blocks are encoded anew by another codec.</summary>
    internal KvCache ForkWith(int layer, int head, HeadCodec codec)
    {
        _files.Verify();
        KvCache copy = Fork();
        HeadCache exact = copy._layers[layer].Heads[head];
        copy._layers[layer].Heads[head] = exact.Convert(codec);
        exact.Dispose();
        return copy;
    }

    /// <summary>
    /// Steers how the tokens to come attend. Keys and values that are here already stay as they are: what was computed or placed unsteered
    /// can be read steered.
    /// </summary>
    /// <param name="steering">To which spans; null to nothing.</param>
    /// <param name="promptTokens">Tokens of the prompt: later ones count as generated. All are the prompt's where it is not given.</param>
    /// <exception cref="InvalidInputException">A span passes the prompt's end, or the heads are not chosen yet.</exception>
    public void Steer(SteeringPolicy? steering, int promptTokens = int.MaxValue) =>
        Steering = steering is null ? null : new Steering(steering, promptTokens);

    /// <summary>
    /// Forgets all tokens from <paramref name="length"/> on. A sealed block that is cut stays as it is and ends its segment.
    /// </summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        if (length < Length) EndRegion();
        Rollback(length);
    }

    /// <summary>Seals the whole tail, so that the next token starts a new block: the border of a part that is to be saved alone.</summary>
    public void Seal()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (LayerState layer in _layers) layer.Seal();
    }

    /// <summary>Room for <paramref name="tokens"/> more, so that lists need not grow while decoding.</summary>
    public void Reserve(int tokens)
    {
        foreach (LayerState layer in _layers) layer.Reserve(tokens);
    }

    /// <summary>
    /// Appends the tokens of a saved cache after the tokens here, mapped and not copied, at positions from <see cref="Length"/> on,
    /// wherever they stood when they were computed (queries are rotated, stored keys are not touched). Nothing of them is read before a
    /// forward pass needs it.
    /// </summary>
    /// <exception cref="InvalidInputException">The file stands elsewhere and the model's positions cannot be shifted.</exception>
    /// <param name="file">The saved cache.</param>
    /// <param name="rerotate">False leaves queries as they are, so that the tokens seem to stand where they were computed (MatKV as its
    /// authors' code has it).</param>
    public void Place(KvFile file, bool rerotate = true)
    {
        int shift = ShiftOf(file);
        Seal();
        for (int l = 0; l < _layers.Length; l++)
            for (int h = 0; h < _layers[l].Heads.Length; h++)
                for (int s = 0; s < file.SegmentCount(l, h); s++) _layers[l].Heads[h].Place(file.Map(l, h, s, shift, rerotate));
        _files.Add(file, Length);
        Length += file.Tokens;
    }

    /// <summary>
    /// Appends the tokens of another cache of the same model from <paramref name="firstToken"/> on, as if they had been saved and placed:
    /// their sealed blocks, which lie in memory, are shared and not copied. Seals both caches.
    /// </summary>
    /// <param name="source">The other cache.</param>
    /// <param name="firstToken">Where the range starts: 0 or a border made by <see cref="Seal"/>.</param>
    /// <param name="rerotate">As for a file.</param>
    /// <exception cref="InvalidInputException">The range stands elsewhere and the model's positions cannot be shifted.</exception>
    public void Place(KvCache source, int firstToken, bool rerotate = true)
    {
        ArgumentNullException.ThrowIfNull(source);
        int shift = ShiftOf("the computed part", firstToken);
        source.Seal();
        Seal();
        foreach ((LayerCache to, LayerCache from) in _layers.Zip(source._layers))
            foreach ((HeadCache head, HeadCache other) in to.Heads.Zip(from.Heads))
            {
                PooledSegment[] segments = [.. other.Segments.Where(segment => segment.FirstPosition >= firstToken).Cast<PooledSegment>()];
                if (segments.Length == 0 || segments[0].FirstPosition != firstToken)
                    throw new ArgumentException($"token {firstToken} is not the border of a sealed part", nameof(firstToken));
                foreach (PooledSegment segment in segments) head.Place(segment.Share(shift, rerotate));
            }
        Length += source.Length - firstToken;
    }

    /// <summary>
    /// As <see cref="Place(KvFile, bool)"/>, but kept as this cache's policy says: a file that is kept otherwise is encoded anew, into
    /// memory, unless tokens were left out of it. What its own encoding has lost stays lost (<see cref="KvPolicy.CanBecome"/>).
    /// </summary>
    /// <returns>Whether anything was encoded anew.</returns>
    /// <exception cref="InvalidInputException">The file stands elsewhere and the model's positions cannot be shifted.</exception>
    /// <exception cref="KvBudgetExceededException">The pool's budget does not hold it.</exception>
    public bool PlaceConverted(KvFile file)
    {
        int shift = ShiftOf(file);
        if (file.IsKeptAs(this) || file.IsPruned)
        {
            Place(file);
            return false;
        }
        long bytes = file.BytesAs(this);
        Pool.Reserve(bytes);
        try
        {
            Seal();
            for (int l = 0; l < _layers.Length; l++)
                foreach ((int h, HeadCache head) in _layers[l].Heads.Index())
                    file.WithSegments(l, h, shift, segments => head.PlaceConverted(segments, file.Policy.Sink));
        }
        catch
        {
            Rollback(Length);
            throw;
        }
        finally
        {
            Pool.Release(bytes);
        }
        Length += file.Tokens;
        return true;
    }

    /// <summary>
    /// Saves tokens [firstToken, <see cref="Length"/>): written under a temporary name, flushed, renamed. Seals the tail first.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="ids">The token ids of the saved range.</param>
    /// <param name="firstToken">Where the saved range starts: 0 or a border made by <see cref="Seal"/>.</param>
    /// <param name="beforeWriting">Told how many bytes the file will have before anything is written; what it throws ends the
    /// saving.</param>
    /// <param name="isPrivate">Only the user may read the file, where the system has permissions of that kind.</param>
    /// <exception cref="DamagedKvException">A placed file, not checked before, is damaged.</exception>
    public void Save(string path, ReadOnlySpan<int> ids, int firstToken = 0, Action<long>? beforeWriting = null, bool isPrivate = false)
    {
        CheckSavable();
        if (ids.Length != Length - firstToken)
            throw new ArgumentException($"{ids.Length} ids for tokens {firstToken}..{Length}", nameof(ids));
        Seal();
        KvFileWriter.Write(path, this, ids, firstToken, beforeWriting: beforeWriting, isPrivate: isPrivate);
    }

    /// <summary>Saves the first tokens with a text that belongs to them. This cache stays as it is: a copy is sealed.</summary>
    internal void SaveCopy(string path, ReadOnlySpan<int> ids, string attachment)
    {
        using KvCache copy = Fork();
        copy.Truncate(ids.Length);
        copy.CheckSavable();
        copy.Seal();
        KvFileWriter.Write(path, copy, ids, 0, attachment);
    }

    /// <exception cref="DamagedKvException">A placed file, not checked before, is damaged: its blocks would get a new checksum.</exception>
    private void CheckSavable()
    {
        if (Repaired is not null) throw new InvalidOperationException("a repaired cache cannot be saved: save what it was placed from");
        if (Length > Steering?.UnsteeredTokens)
            throw new InvalidOperationException(
                "a steered cache cannot be saved: its keys and values would be taken for unsteered ones");
        _files.Verify();
    }

    /// <summary>
    /// Tokens at the beginning that lie in full sealed blocks, each at a multiple of 32 and where it was computed: what can be saved in
    /// parts.
    /// </summary>
    internal int WholeBlockTokens => Heads().Min(head => head.WholeBlockTokens);

    /// <summary>Whether newest tokens are still in float.</summary>
    internal bool HasTail => Heads().Any(head => head.Tail.TokenCount > 0);

    /// <summary>
    /// A cache of the first <paramref name="tokens"/>, at most <see cref="WholeBlockTokens"/>, that shares their blocks and takes no memory
    /// for a tail.
    /// </summary>
    internal KvCache ShareBlocks(int tokens)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new KvCache(Layout, Policy, Pool, With((_, head, _) => head.ShareBlocks(tokens)), tokens, _files.Share());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        EndRegion();
        foreach (LayerState layer in _layers) layer.Dispose();
        _files.Dispose();
    }

    /// <summary>
    /// The most bytes it holds at any moment while it grows to <paramref name="tokens"/>; what is mapped from files counts too.
    /// </summary>
    internal long MostBytes(int tokens) => Bytes + MostGrowthBytes(tokens - Length);

    /// <summary>The most bytes that <paramref name="tokens"/> more add at any moment between steps.</summary>
    internal long MostGrowthBytes(int tokens)
    {
        long bytes = 0;
        foreach (LayerState layer in _layers) bytes += layer.MostGrowthBytes(tokens);
        return Policy.Eviction?.Budget is long budget ? Math.Min(bytes, Math.Max(0, budget - Bytes)) : bytes;
    }

    /// <summary>Tokens that can be appended, and taken back by <see cref="Truncate"/> without a trace, before a head encodes any.</summary>
    internal int FloatRoom
    {
        get
        {
            int room = int.MaxValue;
            foreach (LayerCache layer in _layers)
                foreach (HeadCache head in layer.Heads) room = Math.Min(room, head.FloatRoom);
            return room;
        }
    }

    /// <summary>
    /// Drops everything from <paramref name="length"/> on, also what a step that did not end has appended to some layers.
    /// </summary>
    private void Rollback(int length)
    {
        foreach (LayerState layer in _layers) layer.Truncate(length);
        _files.Truncate(length);
        Repaired = Repaired?.Below(length);
        Length = length;
    }

    /// <summary>Takes over what a copy's tokens are read by.</summary>
    private KvCache ReadAs(KvCache original)
    {
        (Repaired, Steering) = (original.Repaired, original.Steering);
        return this;
    }

    /// <summary>How far a file's tokens are to stand from where they were computed.</summary>
    private int ShiftOf(KvFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return ShiftOf(file.Path, file.FirstPosition);
    }

    private int ShiftOf(string what, int computedAt) => Length == computedAt || Layout.Layers.All(layer => layer.Rotary is not null)
        ? Length - computedAt
        : throw new InvalidInputException(
            $"{what}: computed at position {computedAt}, it cannot be placed at {Length}: this model's positions cannot be shifted");

    /// <summary>All layers with heads made of these: by layer, head, and index of the head.</summary>
    private LayerCache[] With(Func<int, HeadCache, int, HeadCache> made) =>
        [.. _layers.Select((layer, l) => layer.With((head, h) => made(l, head, h)))];

    private IEnumerable<HeadCache> Heads() => _layers.SelectMany(layer => layer.Heads);

    private static LayerCache[] NewLayers(KvLayout layout, KvPolicy policy, BlockPool pool) =>
        [.. layout.Layers.Select((shape, layer) =>
            new LayerCache(shape,
            [.. Enumerable.Range(0, shape.KvHeads)
            .Select(head => new HeadCache(shape, pool, policy.WhileReading.HeadCodec(layout, layer, head)))]))];
}
