using Kvasir.Documents.Answering;
using Kvasir.Documents.Catalog;
using Kvasir.Documents.Reading;
using Kvasir.Documents.Storage;
using Kvasir.Memory;

namespace Kvasir.Documents.Transfer;

/// <summary>
/// Converts the KV files of one shelf into another's; for the writer. A file under its true name is complete, so what is there is not done
/// again.
/// </summary>
internal sealed class ShelfConversion
{
    private readonly IAnswerModel _model;
    private readonly FileQuota _quota;
    private readonly KvShelf _source, _target;
    private readonly IProgress<KvConversionProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly List<SkippedFile> _damaged = [];
    private int _files, _skipped;
    private long _tokens, _bytesBefore, _bytesAfter;

    /// <param name="store">The store.</param>
    /// <param name="model">The model whose KV it is, with the policy to convert to.</param>
    /// <param name="quota">The store's quota; nothing is freed for a conversion.</param>
    /// <param name="from">The policy to convert from; null for the only one that can be.</param>
    /// <param name="progress">Told after every file.</param>
    /// <param name="cancellation">Stops between files.</param>
    /// <exception cref="InvalidInputException">There is no such shelf, or it cannot be converted.</exception>
    public ShelfConversion(
        DocumentStore store, IAnswerModel model, FileQuota quota, string? from, IProgress<KvConversionProgress>? progress,
        CancellationToken cancellation)
    {
        _model = model;
        _quota = quota;
        _progress = progress;
        _cancellation = cancellation;
        var key = new KvKey(model.Name, model.Identity, model.TokenizerIdentity, model.Policy, model.EncodePrefix());
        _target = new KvShelf(store, key);
        _source = from is null ? Choose(store, key) : Named(store, key, from);
    }

    /// <summary>
    /// Converts what is missing. With <paramref name="removeSource"/> all of the target is checked, and the source removed where nothing
    /// was damaged.
    /// </summary>
    public KvConversionReport Run(bool removeSource)
    {
        var clock = Stopwatch.StartNew();
        _target.Prepare();
        if (_target.Description.MeasuredTokens == 0)
            _target.NoteSpeed(_source.Description.MeasuredTokens, TimeSpan.FromSeconds(_source.Description.MeasuredSeconds));

        List<string> names = [.. _source.Names().Order(StringComparer.Ordinal).Prepend(KvShelf.PrefixName)
            .Where(name => File.Exists(_source.PathOf(name)))];
        for (int i = 0; i < names.Count; i++)
        {
            _cancellation.ThrowIfCancellationRequested();
            Convert(names[i], verify: removeSource);
            _progress?.Report(new KvConversionProgress(i + 1, names.Count));
        }

        bool remove = removeSource && _damaged.Count == 0;
        if (remove) _source.Remove();
        return new KvConversionReport
        {
            From = _source.Policy,
            To = _target.Policy,
            Files = _files,
            Skipped = _skipped,
            Tokens = _tokens,
            BytesBefore = _bytesBefore,
            BytesAfter = _bytesAfter,
            Damaged = _damaged,
            SourceRemoved = remove,
            Elapsed = clock.Elapsed,
        };
    }

    private void Convert(string name, bool verify)
    {
        string source = _source.PathOf(name), target = _target.PathOf(name);
        bool there = File.Exists(target);
        if (there && verify && _model.Check(target) is not null)
        {
            _target.SetAside(name);
            there = false;
        }

        long before = new FileInfo(source).Length;
        if (!there && !TryWrite(name, source, target)) return;
        if (!there && verify && _model.Check(target) is { } wrong)
        {
            _target.SetAside(name);
            throw new StoreWriteException($"{wrong}, right after it was written: nothing was removed; check the disk");
        }

        _skipped += there ? 1 : 0;
        _bytesBefore += before;
        _bytesAfter += new FileInfo(target).Length;
    }

    private bool TryWrite(string name, string source, string target)
    {
        try
        {
            bool isChunk = name != KvShelf.PrefixName;
            _tokens += _model.Convert(source, target, bytes => _quota.Reserve(isChunk ? bytes : 0, evict: false));
            _files++;
            return true;
        }
        catch (QuotaReachedException error)
        {
            throw new InvalidInputException(
                $"the store's quota of {_quota.Limit} bytes has no room for the KV under both policies; raise it with 'store quota', and "
                + "the same command goes on here", error);
        }
        catch (InvalidDataException error)
        {
            _damaged.Add(new SkippedFile(source, error.Message));
            _source.SetAside(name);
            return false;
        }
    }

    private KvShelf Named(DocumentStore store, KvKey key, string from)
    {
        if (from == key.Policy)
            throw new InvalidInputException($"{key.Policy}: the same policy to convert from and to; name another one");

        var shelf = new KvShelf(store, key with { Policy = from });
        if (!Directory.Exists(shelf.Folder)) throw Missing(store, key, $" kept as {from}");
        return _model.CanConvert(from) ? shelf : throw Lossy(from, key.Policy);
    }

    private KvShelf Choose(DocumentStore store, KvKey key)
    {
        List<KvShelf> siblings = [.. KvShelf.Siblings(store, key)];
        List<KvShelf> fit = [.. siblings.Where(shelf => _model.CanConvert(shelf.Policy))];
        return (siblings.Count, fit.Count) switch
        {
            (0, _) => throw Missing(store, key, $" that could be converted to {key.Policy}"),
            (_, 0) => throw Lossy(siblings[0].Policy, key.Policy),
            (_, 1) => fit[0],
            _ => throw new InvalidInputException(
                $"{store.Folder}: KV of {_model.Name} is kept as {string.Join(" and as ", fit.Select(shelf => shelf.Policy))}; name "
                + "the one to convert"),
        };
    }

    private InvalidInputException Missing(DocumentStore store, KvKey key, string what)
    {
        string[] there = [.. KvShelf.Siblings(store, key with { Policy = "" }).Select(shelf => shelf.Policy)];
        return new(
            $"{store.Folder}: no KV of {_model.Name}{what} (there is: "
            + $"{(there.Length == 0 ? "none of this model" : string.Join("; ", there))}); kvasir store stats shows all");
    }

    private static InvalidInputException Lossy(string from, string to) =>
        new($"KV kept as {from} has lost what {to} would keep, and converting cannot bring it back; ingest under {to} to compute it "
            + "anew");
}
