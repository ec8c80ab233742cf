using System.Collections.Concurrent;
using System.Security.Cryptography;
using Kvasir.Documents.Reading;
using Kvasir.Models;
using Kvasir.Vision;
using Kvasir.Vision.Pictures;

namespace Kvasir.Documents.Answering;

/// <summary>
/// The pictures of a store as the language model reads them. Their ids are known from their marks; their rows are encoded only where KV is
/// to be computed. Safe on any thread.
/// </summary>
internal sealed class PictureRows(Model model, ImageEncoder encoder)
{
    /// <summary>Pictures whose rows are kept at hand.</summary>
    private const int MostHeld = 16;

    /// <summary>By the id of a picture's first row.</summary>
    private readonly ConcurrentDictionary<int, PictureMark> _pictureOf = [];
    private readonly ConcurrentDictionary<string, string> _paths = new(StringComparer.Ordinal);
    private readonly Lock _turn = new();
    private InputEmbeddings _rows = new(model.Config.Width);
    private int _held;

    /// <summary>Where the store has a file of a hash; null where it has none.</summary>
    public Func<byte[], string?> Stored { get; set; } = _ => null;

    /// <summary>Tells where a picture is that is not in the store yet.</summary>
    public void Know(byte[] hash, string path) => _paths[Convert.ToHexString(hash)] = path;

    /// <summary>The ids of a picture, without looking at it.</summary>
    public int[] Ids(PictureMark picture)
    {
        int[] ids = encoder.LayoutOf(picture.Width, picture.Height).Ids(model.Tokenizer, encoder.IdentityOf(picture.Hash));
        _pictureOf[Array.Find(ids, id => id < 0)] = picture;
        return ids;
    }

    /// <summary>The rows behind ids below 0, of whole pictures whose ids were asked for; null where there are none.</summary>
    /// <exception cref="InvalidInputException">A picture is gone or has changed, or is damaged.</exception>
    public InputEmbeddings? Of(ReadOnlySpan<int> ids)
    {
        lock (_turn)
        {
            if (_held > MostHeld) (_rows, _held) = (new InputEmbeddings(model.Config.Width), 0);
            bool any = false;
            foreach (int id in ids)
            {
                if (id >= 0) continue;
                any = true;
                if (_rows.Contains(id) || !_pictureOf.TryGetValue(id, out PictureMark? picture)) continue;
                Encode(picture).Ids(model.Tokenizer, _rows);
                _held++;
            }

            return any ? _rows : null;
        }
    }

    private EncodedImage Encode(PictureMark picture)
    {
        string path = _paths.GetValueOrDefault(Convert.ToHexString(picture.Hash)) ?? Stored(picture.Hash)
            ?? throw new InvalidInputException("a picture of the store is to be looked at again, and its file is not known any more");
        byte[] bytes = PictureReader.ReadBytes(path);
        if (!SHA256.HashData(bytes).AsSpan().SequenceEqual(picture.Hash))
            throw new InvalidInputException($"{path}: the picture has changed since it was ingested; ingest it again");
        return encoder.Encode(bytes, Path.GetFileName(path));
    }
}
