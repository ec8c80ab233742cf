using Kvasir.Cache;
using Kvasir.Documents.Chunking;
using Kvasir.Documents.Reading;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Vision;

namespace Kvasir.Documents.Answering;

/// <summary>A loaded model, as documents use it.</summary>
internal sealed partial class ModelAnswers : IAnswerModel
{
    /// <summary>
    /// Tokens of one forward pass while prefilling: enough to keep the matrix products busy, few enough that activations stay small.
    /// </summary>
    private const int PrefillTokens = 512;

    /// <summary>Sentences that are said again to the built-in model, which has learned to read them, and to others as small.</summary>
    public const int TinyQuotes = 2;

    /// <summary>Narrower models are as small as the built-in one.</summary>
    private const int TinyWidth = 512;

    private readonly Model _model;
    private readonly KvPolicy _policy;

    /// <summary>The policy where it evicts: what is stored is whole, and tokens are evicted once the question is known.</summary>
    private readonly KvPolicy? _evicting;
    private readonly OpenKvFiles _files;

    /// <param name="model">The model.</param>
    /// <param name="policy">How keys and values are kept.</param>
    /// <param name="images">What shows pictures to it, or null.</param>
    public ModelAnswers(Model model, KvPolicy policy, ImageEncoder? images = null)
    {
        images?.CheckFits(model);
        Pictures = images is null ? null : new PictureRows(model, images);
        _model = model;
        _evicting = policy.Eviction is null ? null : policy;
        _policy = policy with { Eviction = null, Profile = policy.Auto is null && policy.Thin is null ? null : policy.Profile };
        _files = new OpenKvFiles(model);
        Frame = model.ChatTemplate is { } template ? PromptFrame.Of(template) : PromptFrame.Plain;
    }

    /// <summary>Pictures of the store; null without an image encoder.</summary>
    public PictureRows? Pictures { get; }

    public bool ReadsPictures => Pictures is not null;

    public string Name => Path.GetFileName(Path.TrimEndingDirectorySeparator(_model.Path));

    public string Identity => _model.Identity;

    public string TokenizerIdentity => _model.Tokenizer.Identity;

    public string Policy => _policy.ToString();

    public int ContextLength => _model.Config.ContextLength;

    /// <summary>Narrower than models of a billion parameters are.</summary>
    public bool IsSmall => _model.Config.Width < 1536;

    public int UsualQuotes => IsSmall ? _model.Config.Width < TinyWidth ? TinyQuotes : 1 : 0;

    public PromptFrame Frame { get; }

    public int[] Encode(string text, bool parseSpecial) => _model.Tokenizer.Encode(text, parseSpecial, addSpecial: false);

    public int[] EncodeChunk(string text)
    {
        if (Pictures is null || PictureMark.Find(text) is not { } picture)
            return Encode(Chunker.PromptText(PictureMark.Shown(text)), parseSpecial: false);
        return [.. Pictures.Ids(picture), .. Encode(picture.Caption.Length > 0 ? $"\n{picture.Caption}\n\n" : "\n", parseSpecial: false)];
    }

    public void KnowPicture(byte[] hash, string path) => Pictures?.Know(hash, path);

    public bool Holds(string path, int[] ids)
    {
        try
        {
            return _files.Open(path).Ids.SequenceEqual(ids);
        }
        catch (InvalidInputException)
        {
            return true; // Placing it will tell what is wrong with it.
        }
    }

    public IEnumerable<TokenSpan> Spans(int[] ids, Func<string, IEnumerable<(int First, int End)>> parts)
    {
        var prompt = new TokenBytes(_model.Tokenizer, ids);
        return parts(prompt.Text).Select(part => prompt.Span(part.First, part.End));
    }

    public int[] EncodePrefix()
    {
        int[] ids = Encode(Frame.Prefix, parseSpecial: true);
        int begin = _model.Tokenizer.BeginOfText;
        return _model.Tokenizer.AddsBeginOfText && begin >= 0 && (ids.Length == 0 || ids[0] != begin) ? [begin, .. ids] : ids;
    }

    public KvCache NewCache() => _model.NewCache(_policy);

    public KvCache NewExactCache() => _model.NewCache(new KvPolicy { Keys = "f32", Values = "f32" });

    public void Prefill(KvCache cache, ReadOnlySpan<int> ids, CancellationToken cancellation)
    {
        using var batch = new Batch();
        InputEmbeddings? rows = Pictures?.Of(ids);
        for (int done = 0; done < ids.Length; done += PrefillTokens)
        {
            batch.Clear();
            batch.Add(cache, ids[done..Math.Min(done + PrefillTokens, ids.Length)], LogitRows.None, rows);
            _model.Forward(batch, cancellation);
        }
    }

    public long Place(KvCache cache, string path, bool rerotate = true)
    {
        KvFile file = Opened(() => _files.Open(path));
        cache.Place(file, rerotate);
        return file.Bytes;
    }

    public long PlaceConverted(KvCache cache, string path)
    {
        using KvFile file = Opened(() => KvFile.Open(path, _model.CacheLayout, verify: true));
        cache.PlaceConverted(file);
        return file.Bytes;
    }

    public void Repair(KvCache cache, int[] positions, int[] ids, CancellationToken cancellation) =>
        _model.Repair(cache, positions, ids, Pictures?.Of(ids), cancellation);

    public int RepairMostDeviating(KvCache cache, int[] ids, int first, int count, CancellationToken cancellation) =>
        _model.RepairMostDeviating(cache, ids, first, count, Pictures?.Of(ids), cancellation).Count;

    public KvCache Prune(KvCache cache, int first, int[] probe, double share, CancellationToken cancellation) =>
        _model.Prune(cache, first, probe, share, _policy, Pictures?.Of(probe), cancellation);

    public void Save(KvCache cache, string path, ReadOnlySpan<int> ids, int firstToken, Action<long>? beforeWriting = null) =>
        cache.Save(path, ids, firstToken, beforeWriting);

    public void ReadAhead(string path)
    {
        try
        {
            _files.Open(path).ReadAhead();
        }
        catch (InvalidInputException)
        {
            // Placing it will tell, and knows what to do instead.
        }
    }

    public bool CanConvert(string policy)
    {
        try
        {
            return KvPolicy.Parse(policy).CanBecome(_policy);
        }
        catch (InvalidInputException)
        {
            return false;
        }
    }

    public int Convert(string source, string destination, Action<long>? beforeWriting = null)
    {
        try
        {
            return KvFile.Convert(source, destination, _model.CacheLayout, _policy, beforeWriting);
        }
        catch (KvasirException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }

    public long SavedBytes(int firstToken, int tokens) => _model.Forecast(_policy).SavedBytes(firstToken, tokens);

    public string? Check(string path)
    {
        try
        {
            using KvFile file = KvFile.Open(path, _model.CacheLayout, verify: true);
            return null;
        }
        catch (Exception error) when (error is KvasirException or IOException)
        {
            return error.Message;
        }
    }

    public void Dispose() => _files.Dispose();

    private static KvFile Opened(Func<KvFile> open)
    {
        try
        {
            return open();
        }
        catch (KvasirException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }
}
