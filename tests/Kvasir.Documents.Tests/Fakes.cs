using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Kvasir.Cache;
using Kvasir.Documents.Retrieval;
using Kvasir.Memory;
using Kvasir.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Tests;

/// <summary>
/// Tokens are words with the white space before them; a key is the token's id in two digits, a value the number of the file it was placed
/// from; an answer repeats the last passage's first words.
/// </summary>
internal sealed partial class FakeModel(StoreFiles? files = null, FakeModel? sameTokenizer = null) : IAnswerModel
{
    private const int Channels = 16, DigitBits = 15;

    private static readonly KvPolicy Exact = KvPolicy.Parse("k=f32,v=f32");
    private static readonly KvLayout Layout =
        new([new LayerLayout(1, Channels, Channels, int.MaxValue, new Rotary([], interleaved: false))],
            AttentionKernels.For(KernelPath.Vector128), () => "fake", () => "words");

    private readonly ConcurrentDictionary<int, string> _words = sameTokenizer?._words ?? [];
    private readonly BlockPool _pool = new();
    private readonly List<(string Path, bool IsSound)> _placed = [];

    public string Name => "fake.gguf";

    public string Identity { get; init; } = "model-a";

    public string TokenizerIdentity => "tokenizer-a";

    public string Policy { get; init; } = "k=f16,v=f16";

    /// <summary>Files that were written anew under this policy, and placed so.</summary>
    public int Conversions { get; private set; }

    public int ContextLength { get; init; } = 4096;

    public int UsualQuotes { get; init; }

    public PromptFrame Frame { get; init; } = new("<|user|>", "<|end|><|assistant|>");

    /// <summary>Tokens that were prefilled, prefix included.</summary>
    public int PrefilledTokens { get; set; }

    public List<int> LastPrompt { get; } = [];

    /// <summary>Positions that were computed anew.</summary>
    public List<int> Repaired { get; } = [];

    /// <summary>Answers of each step of a batch.</summary>
    public List<int> BatchSizes { get; } = [];

    /// <summary>Files that were to be read ahead.</summary>
    public List<string> ReadAheads { get; } = [];

    /// <summary>Blocks of caches that have not been disposed.</summary>
    public int LiveBlocks => (int)(_pool.Bytes / (KvBlock.Tokens * 2 * Channels * sizeof(float)));

    /// <summary>What it says to a prompt; one piece a step.</summary>
    public Func<string, IEnumerable<GeneratedPiece>> Generated { get; set; } = _ => [new("An "), new("answer"), new("", "stop", 2)];

    public StoreFiles Files { get; } = files ?? new StoreFiles();

    public int[] Encode(string text, bool parseSpecial) =>
        [.. (parseSpecial ? SpecialOrWord() : Word()).Matches(text)
            .Select(match => Id(parseSpecial && match.Value.StartsWith("<|", StringComparison.Ordinal) ? match.Value : "_" + match.Value))];

    public int[] EncodePrefix() => Encode(Frame.Prefix, parseSpecial: true);

    public string Decode(IEnumerable<int> ids) => string.Concat(ids.Select(id => _words[id].TrimStart('_')));

    public bool IsSpecial(int id) => _words[id].StartsWith("<|", StringComparison.Ordinal);

    public KvCache NewCache() => new(Layout, Exact, _pool);

    public Emphasis? LastEmphasis { get; private set; }

    public IEnumerable<TokenSpan> Spans(int[] ids, Func<string, IEnumerable<(int First, int End)>> parts)
    {
        int[] ends = [.. ids.Select((_, i) => Decode(ids[..(i + 1)]).Length)];
        return parts(Decode(ids)).Select(part =>
            new TokenSpan(Array.FindIndex(ends, end => end > part.First), Array.FindIndex(ends, end => end >= part.End) + 1));
    }

    public IAnswerBatch NewBatch(GenerationOptions options, int parallel) => new Batch(this, parallel);

    public GenerationStream Start(
        EngineLoop engine, AnswerContext context, GenerationOptions options, CancellationToken cancellation) =>
        throw new NotSupportedException("no engine loop runs words");

    public void ReadAhead(string path) => ReadAheads.Add(path);

    public KvCache NewExactCache() => NewCache();

    public bool CanConvert(string policy) => KvPolicy.Parse(policy).CanBecome(KvPolicy.Parse(Policy));

    /// <summary>Whether a placed file's checksum is checked by the first pass over it, not when it is placed.</summary>
    public bool ChecksLate { get; init; }

    /// <summary>Files that are damaged whatever stands in them.</summary>
    public HashSet<string> Damaged { get; } = [];

    /// <summary>Whose <see cref="LastPrompt"/> is written too.</summary>
    public FakeModel? Recording { get; init; }

    public int Convert(string source, string destination, Action<long>? beforeWriting = null)
    {
        int[] ids = Read(source, anyPolicy: true);
        Write(destination, ids, beforeWriting);
        Conversions++;
        return ids.Length;
    }

    public long SavedBytes(int firstToken, int tokens) => 4L * tokens;

    public string? Check(string path)
    {
        try
        {
            Read(path, anyPolicy: true);
            return null;
        }
        catch (InvalidDataException error)
        {
            return error.Message;
        }
    }

    public void Dispose() { }

    /// <summary>A checksum, a mark of the policy, the ids.</summary>
    private int[] Read(string path, bool anyPolicy) =>
        Read(path, anyPolicy, out bool sound) is var ids && sound ? ids : throw new InvalidDataException("damaged");

    private int[] Read(string path, bool anyPolicy, out bool sound)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (IOException error)
        {
            throw new InvalidDataException("missing", error);
        }

        if (bytes.Length % 4 != 0 || bytes.Length < 8)
        {
            throw new InvalidDataException("damaged");
        }

        sound = !Damaged.Contains(path) && Checksum.Of(bytes.AsSpan(4)) == MemoryMarshal.Read<uint>(bytes);
        int[] content = MemoryMarshal.Cast<byte, int>(bytes.AsSpan(4)).ToArray();
        Assert.True(!sound || anyPolicy || content[0] == Mark, "KV of another policy was used as it is");
        return content[1..];
    }

    private void Write(string path, ReadOnlySpan<int> ids, Action<long>? beforeWriting)
    {
        byte[] content = MemoryMarshal.AsBytes<int>([Mark, .. ids]).ToArray();
        beforeWriting?.Invoke(content.Length + 4);
        Files.Replace(path, file => Files.Write(file, [.. BitConverter.GetBytes(Checksum.Of(content)), .. content], 0));
    }

    private int Mark => (int)Checksum.Of(System.Text.Encoding.UTF8.GetBytes(Policy));

    private int Id(string word)
    {
        // Not by order of appearance: any thread may encode.
        int id = (int)(Checksum.Of(MemoryMarshal.AsBytes(word.AsSpan())) >> 2);
        while (_words.GetOrAdd(id, word) != word)
        {
            id++;
        }

        return id;
    }

    [GeneratedRegex(@"\s*\S{1,8}|\s+")]
    private static partial Regex Word();

    [GeneratedRegex(@"<\|\w+\|>|\s*\S{1,8}|\s+")]
    private static partial Regex SpecialOrWord();

    public void Prefill(KvCache cache, ReadOnlySpan<int> ids, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        ThrowIfDamaged(cache);
        Append(cache, ids.ToArray(), file: 0);
        PrefilledTokens += ids.Length;
    }

    public void Repair(KvCache cache, int[] positions, int[] ids, CancellationToken cancellation)
    {
        ThrowIfDamaged(cache);
        List<int> held = IdsOf(cache);
        Assert.Equal(positions.Select(position => held[position]), ids);
        Assert.Equal(positions.Distinct().Order(), positions);
        Repaired.AddRange(positions);
    }

    public int RepairMostDeviating(KvCache cache, int[] ids, int first, int count, CancellationToken cancellation)
    {
        Assert.Equal(IdsOf(cache), ids);
        Repaired.AddRange(Enumerable.Range(first, count));
        return count;
    }

    public long Place(KvCache cache, string path, bool rerotate = true)
    {
        int[] stored = Read(path, anyPolicy: false, out bool sound);
        if (!sound && !ChecksLate)
        {
            throw new InvalidDataException("damaged");
        }

        return Place(cache, stored, path, sound);
    }

    public long PlaceConverted(KvCache cache, string path)
    {
        Conversions++;
        return Place(cache, Read(path, anyPolicy: true), path, sound: true);
    }

    public KvCache Prune(KvCache cache, int first, int[] probe, double share, CancellationToken cancellation) => cache.Fork();

    public void Save(KvCache cache, string path, ReadOnlySpan<int> ids, int firstToken, Action<long>? beforeWriting = null)
    {
        Assert.Equal(IdsOf(cache)[firstToken..], ids.ToArray());
        Write(path, ids, beforeWriting);
    }

    private long Place(KvCache cache, int[] stored, string path, bool sound)
    {
        _placed.Add((path, sound));
        Append(cache, stored, _placed.Count);
        cache.Seal();
        return 4L * stored.Length;
    }

    private void Read(KvCache cache, IReadOnlyList<int> prompt)
    {
        ThrowIfDamaged(cache);
        Assert.Equal(IdsOf(cache), prompt.Take(cache.Length));
        foreach (FakeModel records in new[] { this, Recording ?? this })
        {
            records.LastPrompt.Clear();
            records.LastPrompt.AddRange(prompt);
        }
    }

    private void ThrowIfDamaged(KvCache cache)
    {
        foreach (int file in Tokens(cache).Select(token => token.File).Distinct().Where(file => file > 0))
        {
            (string path, bool isSound) = _placed[file - 1];
            if (!isSound || Damaged.Contains(path)) throw new DamagedKvException(path, 0);
        }
    }

    private static List<int> IdsOf(KvCache cache) => [.. Tokens(cache).Select(token => token.Id)];

    private static unsafe void Append(KvCache cache, int[] ids, int file)
    {
        if (ids.Length == 0) return;
        using KvCache.Step step = cache.BeginStep(ids.Length);
        step.Open(0, ids.Length);
        float* key = stackalloc float[Channels], value = stackalloc float[Channels];
        for (int t = 0; t < ids.Length; t++)
        {
            (key[0], key[1], value[0]) = (ids[t] & ((1 << DigitBits) - 1), ids[t] >> DigitBits, file);
            step.Write(0, 0, t, key, value);
        }

        step.Seal(0, 0);
        step.Advance(ids.Length);
        step.Commit();
    }

    private static unsafe List<(int Id, int File)> Tokens(KvCache cache)
    {
        var tokens = new List<(int, int)>();
        HeadCache head = cache.Layers[0].Heads[0];
        float* keys = stackalloc float[KvBlock.Tokens * Channels], values = stackalloc float[KvBlock.Tokens * Channels];
        foreach (KvSegment segment in head.Segments)
        {
            for (int b = 0; b < segment.BlockCount; b++)
            {
                segment.Codec.Decode(segment.Keys(b), keys, values, default);
                Add(keys, values, segment.CountIn(b));
            }
        }

        for (int b = 0; b < head.Tail.BlockCount; b++) Add(head.Tail.Keys(b), head.Tail.Values(b), head.Tail.CountIn(b));
        return tokens;

        void Add(float* keys, float* values, int count)
        {
            for (int t = 0; t < count; t++)
                tokens.Add(((int)keys[t] | (int)keys[KvBlock.Tokens + t] << DigitBits, (int)values[t * Channels]));
        }
    }

    private sealed class Batch(FakeModel model, int parallel) : IAnswerBatch
    {
        private readonly List<(KvCache Cache, IReadOnlyList<int> Ids, Queue<GeneratedPiece> Left,
            Action<GeneratedPiece> OnPiece)> _answers = [];
        private int _read;

        public void Add(KvCache cache, IReadOnlyList<int> ids, Emphasis? emphasis, Action<GeneratedPiece> onPiece)
        {
            Assert.True(_answers.Count < parallel);
            model.LastEmphasis = emphasis;
            _answers.Add((cache, ids, new Queue<GeneratedPiece>(model.Generated(model.Decode(ids))), onPiece));
        }

        public bool Prefill()
        {
            bool any = _read < _answers.Count;
            while (_read < _answers.Count)
            {
                (KvCache cache, IReadOnlyList<int> ids, _, Action<GeneratedPiece> onPiece) = _answers[_read];
                try
                {
                    model.Read(cache, ids);
                    _read++;
                }
                catch (DamagedKvException damage)
                {
                    // As the scheduler does: the sequence ends with the failure, the others go on.
                    _answers.RemoveAt(_read);
                    cache.Dispose();
                    onPiece(new GeneratedPiece("", Failure: damage));
                }
            }

            return any;
        }

        public bool Step()
        {
            model.BatchSizes.Add(_answers.Count);
            foreach ((KvCache Cache, IReadOnlyList<int> Ids, Queue<GeneratedPiece> Left,
                Action<GeneratedPiece> OnPiece) answer in _answers.ToArray())
            {
                GeneratedPiece piece = answer.Left.Dequeue();
                if (answer.Left.Count == 0)
                {
                    answer.Cache.Dispose();
                    _answers.Remove(answer);
                    _read--;
                }

                answer.OnPiece(piece);
            }

            return model.BatchSizes[^1] > 0;
        }

        public void Dispose() => _answers.ForEach(answer => answer.Cache.Dispose());
    }
}

/// <summary>Bags of hashed words.</summary>
internal sealed class FakeEncoder : ITextEncoder
{
    public string Identity { get; init; } = "encoder-a";

    public float LeastRelevant { get; init; }

    public int Embedded { get; private set; }

    public float[] Embed(string text)
    {
        Embedded++;
        float[] vector = new float[64];
        foreach (string word in Words.Of(text))
        {
            vector[Checksum.Of(Encoding.UTF8.GetBytes(word)) % 64]++;
        }

        return vector;
    }
}

/// <summary>Writes like a disk that is full from the given write on: half of it arrives, the rest fails.</summary>
internal sealed class FullDisk(int writes) : StoreFiles
{
    private int _left = writes;

    public bool Failed { get; private set; }

    public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        if (_left-- > 0)
        {
            base.Write(file, bytes, offset);
            return;
        }

        Failed = true;
        base.Write(file, bytes[..(bytes.Length / 2)], offset);
        throw new IOException("No space left on device", 28);
    }
}

/// <summary>The files of tests need not outlive a power failure.</summary>
internal sealed class Unflushed : StoreFiles
{
    public override void Flush(SafeFileHandle file) { }
}
