using System.Security.Cryptography;
using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>
/// Names of stored parts of prompts. Every border of 32 tokens has a key: SHA-256 over the key of the border before and the ids between.
/// The first one stands on everything else that the numbers depend on: version of the files, model, tokenizer, policy, and how products
/// are computed. A file is named by the key where it begins (128 bits of it) and, in order, by 32 bits of the key at every border behind:
/// so names tell how far a file and a prompt go together.
/// </summary>
internal static class PromptKeys
{
    public const int BorderTokens = KvBlock.Tokens;

    private const int FirstLength = 32, LaterLength = 8;

    /// <summary>The keys at all borders of a prompt, 0 included.</summary>
    public static string[] Of(KvLayout layout, KvPolicy policy, ReadOnlySpan<int> ids)
    {
        byte[] key = Root(
            $"kv {KvFileHeader.Version}", layout.ModelIdentity, layout.TokenizerIdentity, policy.ToString(), layout.Computation);
        string[] keys = new string[1 + ids.Length / BorderTokens];
        keys[0] = Convert.ToHexStringLower(key);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int border = 1; border < keys.Length; border++)
        {
            hash.AppendData(key);
            hash.AppendData(MemoryMarshal.AsBytes(ids.Slice((border - 1) * BorderTokens, BorderTokens)));
            hash.GetHashAndReset(key);
            keys[border] = Convert.ToHexStringLower(key);
        }
        return keys;
    }

    /// <summary>The name of a file with what stands between two borders.</summary>
    public static string Name(ReadOnlySpan<string> keys, int first, int end)
    {
        var name = new StringBuilder(Beginning(keys[first]));
        foreach (string key in keys[(first + 1)..(end + 1)]) name.Append(key, 0, LaterLength);
        return name.ToString();
    }

    /// <summary>What the names of all files that begin at a border begin with.</summary>
    public static string Beginning(string key) => key[..FirstLength];

    /// <summary>How many borders behind <paramref name="first"/> a file that begins there goes along with a prompt.</summary>
    public static int Common(string name, ReadOnlySpan<string> keys, int first)
    {
        int common = 0;
        while (first + common + 1 < keys.Length && FirstLength + (common + 1) * LaterLength <= name.Length
            && name.AsSpan(FirstLength + common * LaterLength, LaterLength).SequenceEqual(keys[first + common + 1].AsSpan(0, LaterLength)))
            common++;
        return common;
    }

    /// <summary>The name that a file's begins with, before its extension; null where it is none.</summary>
    public static string? NameIn(string fileName)
    {
        string name = fileName.Split('.')[0];
        return name.Length < fileName.Length && name.Length > FirstLength && (name.Length - FirstLength) % LaterLength == 0
            && name.All(char.IsAsciiHexDigitLower) ? name : null;
    }

    /// <summary>Each text after its length, so that no two lists of texts look the same.</summary>
    private static byte[] Root(params ReadOnlySpan<string> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
        return hash.GetHashAndReset();
    }
}
