using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Kvasir.Models;

/// <summary>
/// Rows of embeddings that stand in sequences in place of tokens: of an image, or trained ones. Every row has an id of its own, below 0 and
/// made from the content that it is part of, so whatever knows sequences by their ids (prefix caches, stored prompts, saved caches) knows
/// these too.
/// </summary>
/// <param name="width">Width of the model's residual stream (<see cref="ModelConfig.Width"/>).</param>
public sealed class InputEmbeddings(int width)
{
    private readonly Dictionary<int, float[]> _rows = [];
    private readonly Dictionary<string, int[]> _named = new(StringComparer.Ordinal);

    /// <summary>Takes in the rows of one content, as the model's first layer is to read them; nothing is scaled any more.</summary>
    /// <param name="rows">[rows, width]</param>
    /// <returns>The ids to put into a prompt, one a row; the same for the same rows always.</returns>
    public int[] Add(ReadOnlySpan<float> rows)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(rows), hash);
        return Add(rows, hash);
    }

    /// <summary>The same with ids that are made from what the rows were made from, so that they are known without the rows.</summary>
    /// <exception cref="InvalidInputException">By chance another content has an id of this one (one in 2^31 for each two rows).</exception>
    internal int[] Add(ReadOnlySpan<float> rows, ReadOnlySpan<byte> content)
    {
        if (rows.IsEmpty || rows.Length % width != 0)
            throw new ArgumentException($"{rows.Length} numbers are not rows of {width}", nameof(rows));
        int[] ids = IdsOf(content, rows.Length / width);
        for (int row = 0; row < ids.Length; row++)
        {
            ReadOnlySpan<float> own = rows.Slice(row * width, width);
            if (_rows.TryGetValue(ids[row], out float[]? other) && !own.SequenceEqual(other))
                throw new InvalidInputException("rows of two pictures have one id by chance; leave one of the pictures out");
            _rows[ids[row]] = own.ToArray();
        }
        return ids;
    }

    /// <summary>The ids of a content's rows, each another one.</summary>
    internal static int[] IdsOf(ReadOnlySpan<byte> content, int count)
    {
        byte[] key = [.. content, .. new byte[sizeof(long)]], hash = new byte[SHA256.HashSizeInBytes];
        var ids = new HashSet<int>(count);
        for (long at = 0; ids.Count < count; at++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(key.AsSpan(content.Length), at);
            SHA256.HashData(key, hash);
            ids.Add(BinaryPrimitives.ReadInt32LittleEndian(hash) | int.MinValue);
        }
        return [.. ids];
    }

    /// <summary>Whether a row of this id has been added.</summary>
    public bool Contains(int id) => _rows.ContainsKey(id);

    /// <summary>Lets a text stand for ids in the messages of conversations.</summary>
    /// <param name="marker">The text; best one that nobody types.</param>
    /// <param name="ids">Ids of rows, and of tokens around them.</param>
    public void Name(string marker, IReadOnlyList<int> ids)
    {
        ArgumentException.ThrowIfNullOrEmpty(marker);
        _named[marker] = [.. ids];
    }

    /// <summary>What texts stand for.</summary>
    internal IReadOnlyDictionary<string, int[]> Named => _named;

    internal ReadOnlySpan<float> Row(int id) => _rows[id];
}
