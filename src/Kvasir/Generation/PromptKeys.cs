using System.Security.Cryptography;
using Kvasir.Cache;

namespace Kvasir.Generation;

/// <summary>
/// Names of stored prompt blocks: SHA-256 over the name of the block before and the block's ids. The first one stands on everything else
/// that the numbers depend on: version of the files, model, tokenizer, policy, and how products are computed.
/// </summary>
internal static class PromptKeys
{
    public const int NameLength = 2 * SHA256.HashSizeInBytes;

    /// <summary>The names of all whole blocks of a prompt, in order.</summary>
    public static string[] Of(KvLayout layout, KvPolicy policy, ReadOnlySpan<int> ids)
    {
        byte[] key = Root(
            $"kv {KvFileHeader.Version}", layout.ModelIdentity, layout.TokenizerIdentity, policy.ToString(), layout.Computation);
        string[] names = new string[ids.Length / PromptStore.BlockTokens];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int block = 0; block < names.Length; block++)
        {
            hash.AppendData(key);
            hash.AppendData(MemoryMarshal.AsBytes(ids.Slice(block * PromptStore.BlockTokens, PromptStore.BlockTokens)));
            hash.GetHashAndReset(key);
            names[block] = Convert.ToHexStringLower(key);
        }
        return names;
    }

    public static bool BeginsWithName(string fileName) =>
        fileName.Length > NameLength && fileName[NameLength] == '.' && fileName.Take(NameLength).All(char.IsAsciiHexDigitLower);

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
