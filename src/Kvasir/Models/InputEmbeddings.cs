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
        if (rows.IsEmpty || rows.Length % width != 0)
            throw new ArgumentException($"{rows.Length} numbers are not rows of {width}", nameof(rows));
        byte[] key = new byte[SHA256.HashSizeInBytes + sizeof(int)], hash = new byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(rows), key);
        var ids = new int[rows.Length / width];
        for (int row = 0; row < ids.Length; row++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(key.AsSpan(SHA256.HashSizeInBytes), row);
            SHA256.HashData(key, hash);
            int at = 0;
            // Of 31 bits two contents may take the same by chance; the next ones of the hash tell them apart.
            do ids[row] = BinaryPrimitives.ReadInt32LittleEndian(hash.AsSpan(at++)) | int.MinValue;
            while (at <= SHA256.HashSizeInBytes - sizeof(int) && _rows.TryGetValue(ids[row], out float[]? other)
                && !rows.Slice(row * width, width).SequenceEqual(other));
            _rows[ids[row]] = rows.Slice(row * width, width).ToArray();
        }
        return ids;
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
