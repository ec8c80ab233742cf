using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Kvasir.Cache;
using Kvasir.Documents;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Retrieval;
using Kvasir.Documents.Storage;
using Microsoft.Win32.SafeHandles;

namespace Kvasir.Tests;

/// <summary>Tokens are words with the white space before them; a cache is the list of its ids; an answer repeats the last passage's first words.</summary>
internal sealed partial class FakeModel(StoreFiles? files = null, FakeModel? sameTokenizer = null) : IAnswerModel
{
    private readonly List<string> _words = sameTokenizer?._words ?? [];
    private readonly Dictionary<string, int> _ids = sameTokenizer?._ids ?? new(StringComparer.Ordinal);

    public string Name => "fake.gguf";

    public string Identity { get; init; } = "model-a";

    public string TokenizerIdentity => "tokenizer-a";

    public string Policy { get; init; } = "k=f16,v=f16";

    /// <summary>Files that were written anew under this policy, and placed so.</summary>
    public int Conversions { get; private set; }

    public int ContextLength { get; init; } = 4096;

    public PromptFrame Frame { get; } = new("<|user|>", "<|end|><|assistant|>");

    /// <summary>Tokens that were prefilled, prefix included.</summary>
    public int PrefilledTokens { get; set; }

    public List<int> LastPrompt { get; } = [];

    /// <summary>Answers of each step of a batch.</summary>
    public List<int> BatchSizes { get; } = [];

    /// <summary>Files that were to be read ahead.</summary>
    public List<string> ReadAheads { get; } = [];

    /// <summary>Caches that have not been disposed.</summary>
    public int LiveCaches { get; private set; }

    /// <summary>What it says to a prompt; one piece a step.</summary>
    public Func<string, IEnumerable<GeneratedPiece>> Generated { get; set; } = _ => [new("An "), new("answer"), new("", "stop", 2)];

    public StoreFiles Files { get; } = files ?? new StoreFiles();

    public int[] Encode(string text, bool parseSpecial) =>
        [.. (parseSpecial ? SpecialOrWord() : Word()).Matches(text).Select(match => Id(parseSpecial && match.Value.StartsWith("<|", StringComparison.Ordinal) ? match.Value : "_" + match.Value))];

    public int[] EncodePrefix() => Encode(Frame.Prefix, parseSpecial: true);

    public string Decode(IEnumerable<int> ids) => string.Concat(ids.Select(id => _words[id].TrimStart('_')));

    public bool IsSpecial(int id) => _words[id].StartsWith("<|", StringComparison.Ordinal);

    public IAnswerCache NewCache() => NewCache([]);

    public IAnswerBatch NewBatch(AskOptions options, int parallel) => new Batch(this, parallel);

    public void ReadAhead(string path) => ReadAheads.Add(path);

    public bool CanConvert(string policy) => KvPolicy.Parse(policy).CanBecome(KvPolicy.Parse(Policy));

    public int Convert(string source, string destination)
    {
        int[] ids = Read(source, anyPolicy: true);
        Write(destination, ids);
        Conversions++;
        return ids.Length;
    }

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
    private int[] Read(string path, bool anyPolicy)
    {
        if (!File.Exists(path))
        {
            throw new InvalidDataException("missing");
        }

        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length % 4 != 0 || bytes.Length < 8 || Checksum.Of(bytes.AsSpan(4)) != MemoryMarshal.Read<uint>(bytes))
        {
            throw new InvalidDataException("damaged");
        }

        int[] content = MemoryMarshal.Cast<byte, int>(bytes.AsSpan(4)).ToArray();
        Assert.True(anyPolicy || content[0] == Mark, "KV of another policy was used as it is");
        return content[1..];
    }

    private void Write(string path, ReadOnlySpan<int> ids)
    {
        byte[] content = MemoryMarshal.AsBytes<int>([Mark, .. ids]).ToArray();
        Files.Replace(path, [.. BitConverter.GetBytes(Checksum.Of(content)), .. content]);
    }

    private int Mark => (int)Checksum.Of(System.Text.Encoding.UTF8.GetBytes(Policy));

    private int Id(string word)
    {
        if (!_ids.TryGetValue(word, out int id))
        {
            _ids[word] = id = _words.Count;
            _words.Add(word);
        }

        return id;
    }

    [GeneratedRegex(@"\s*\S{1,8}|\s+")]
    private static partial Regex Word();

    [GeneratedRegex(@"<\|\w+\|>|\s*\S{1,8}|\s+")]
    private static partial Regex SpecialOrWord();

    private IAnswerCache NewCache(List<int> ids)
    {
        LiveCaches++;
        return new Cache(this, ids);
    }

    private sealed class Batch(FakeModel model, int parallel) : IAnswerBatch
    {
        private readonly List<(Cache Cache, IReadOnlyList<int> Ids, Queue<GeneratedPiece> Left, Action<GeneratedPiece> OnPiece)> _answers = [];
        private int _read;

        public void Add(IAnswerCache cache, IReadOnlyList<int> ids, Action<GeneratedPiece> onPiece)
        {
            Assert.True(_answers.Count < parallel);
            _answers.Add(((Cache)cache, ids, new Queue<GeneratedPiece>(model.Generated(model.Decode(ids))), onPiece));
        }

        public bool Prefill()
        {
            bool any = _read < _answers.Count;
            for (; _read < _answers.Count; _read++)
            {
                _answers[_read].Cache.Read(_answers[_read].Ids);
            }

            return any;
        }

        public bool Step()
        {
            model.BatchSizes.Add(_answers.Count);
            foreach ((Cache Cache, IReadOnlyList<int> Ids, Queue<GeneratedPiece> Left, Action<GeneratedPiece> OnPiece) answer in _answers.ToArray())
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

    private sealed class Cache(FakeModel model, List<int> ids) : IAnswerCache
    {
        public int Length => ids.Count;

        public IAnswerCache Fork() => model.NewCache([.. ids]);

        public void Seal() { }

        public void Prefill(ReadOnlySpan<int> more, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            ids.AddRange(more);
            model.PrefilledTokens += more.Length;
        }

        public long Place(string path) => Place(model.Read(path, anyPolicy: false));

        public long PlaceConverted(string path)
        {
            model.Conversions++;
            return Place(model.Read(path, anyPolicy: true));
        }

        public void Clear() => ids.Clear();

        public void Save(string path, ReadOnlySpan<int> saved, int firstToken)
        {
            Assert.Equal(ids[firstToken..], saved.ToArray());
            model.Write(path, saved);
        }

        public void Read(IReadOnlyList<int> prompt)
        {
            Assert.Equal(ids, prompt.Take(ids.Count));
            model.LastPrompt.Clear();
            model.LastPrompt.AddRange(prompt);
        }

        public void Dispose() => model.LiveCaches--;

        private long Place(int[] stored)
        {
            ids.AddRange(stored);
            return 4L * stored.Length;
        }
    }
}

/// <summary>Bags of hashed words.</summary>
internal sealed class FakeEncoder : ITextEncoder
{
    public string Identity { get; init; } = "encoder-a";

    public int Embedded { get; private set; }

    public float[] Embed(string text)
    {
        Embedded++;
        float[] vector = new float[64];
        foreach (uint term in TermCounts.Of(text).Terms)
        {
            vector[term % 64]++;
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
