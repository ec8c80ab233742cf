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

    public StoreFiles Files { get; } = files ?? new StoreFiles();

    public int[] Encode(string text, bool parseSpecial) =>
        [.. (parseSpecial ? SpecialOrWord() : Word()).Matches(text).Select(match => Id(parseSpecial && match.Value.StartsWith("<|", StringComparison.Ordinal) ? match.Value : "_" + match.Value))];

    public int[] EncodePrefix() => Encode(Frame.Prefix, parseSpecial: true);

    public string Decode(IEnumerable<int> ids) => string.Concat(ids.Select(id => _words[id].TrimStart('_')));

    public bool IsSpecial(int id) => _words[id].StartsWith("<|", StringComparison.Ordinal);

    public IAnswerCache NewCache() => new Cache(this, [], []);

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

    /// <summary>A checksum, a mark of the policy, the ids.</summary>
    private int[] Read(string path, bool anyPolicy) => Read(path, anyPolicy, out bool sound) is var ids && sound ? ids : throw new InvalidDataException("damaged");

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
        Files.Replace(path, [.. BitConverter.GetBytes(Checksum.Of(content)), .. content]);
    }

    private int Mark => (int)Checksum.Of(System.Text.Encoding.UTF8.GetBytes(Policy));

    private int Id(string word)
    {
        lock (_ids)
        {
            if (!_ids.TryGetValue(word, out int id))
            {
                _ids[word] = id = _words.Count;
                _words.Add(word);
            }

            return id;
        }
    }

    [GeneratedRegex(@"\s*\S{1,8}|\s+")]
    private static partial Regex Word();

    [GeneratedRegex(@"<\|\w+\|>|\s*\S{1,8}|\s+")]
    private static partial Regex SpecialOrWord();

    private sealed class Cache(FakeModel model, List<int> ids, List<(string Path, bool IsSound)> placed) : IAnswerCache
    {
        public int Length => ids.Count;

        public IAnswerCache Fork() => new Cache(model, [.. ids], [.. placed]);

        public void Seal() { }

        public void Prefill(ReadOnlySpan<int> more, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            ThrowIfDamaged();
            ids.AddRange(more);
            model.PrefilledTokens += more.Length;
        }

        public long Place(string path)
        {
            int[] stored = model.Read(path, anyPolicy: false, out bool sound);
            if (!sound && !model.ChecksLate)
            {
                throw new InvalidDataException("damaged");
            }

            placed.Add((path, sound));
            return Place(stored);
        }

        public void Place(IAnswerCache source, int firstToken) => ids.AddRange(((Cache)source).Ids[firstToken..]);

        public long PlaceConverted(string path)
        {
            model.Conversions++;
            return Place(model.Read(path, anyPolicy: true));
        }

        public void Clear()
        {
            ids.Clear();
            placed.Clear();
        }

        public void Save(string path, ReadOnlySpan<int> saved, int firstToken, Action<long>? beforeWriting = null)
        {
            Assert.Equal(ids[firstToken..], saved.ToArray());
            model.Write(path, saved, beforeWriting);
        }

        public IEnumerable<GeneratedPiece> Generate(IReadOnlyList<int> before, ReadOnlyMemory<int> more, AskOptions options, CancellationToken cancellation)
        {
            ThrowIfDamaged();
            Assert.Equal(ids, before);
            ids.AddRange(more.Span);
            foreach (FakeModel records in new[] { model, model.Recording ?? model })
            {
                records.LastPrompt.Clear();
                records.LastPrompt.AddRange(ids);
            }

            yield return new GeneratedPiece("An ");
            yield return new GeneratedPiece("answer");
            yield return new GeneratedPiece("", "stop", 2);
        }

        public void Dispose() { }

        private List<int> Ids => ids;

        private void ThrowIfDamaged()
        {
            if (placed.Find(file => !file.IsSound || model.Damaged.Contains(file.Path)).Path is { } path)
            {
                throw new DamagedKvException(path, 0);
            }
        }

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
