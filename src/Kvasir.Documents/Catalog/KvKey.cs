using System.Security.Cryptography;
using Kvasir.Cache;

namespace Kvasir.Documents.Catalog;

/// <summary>
/// What stored KV depends on besides the chunk's text; the version of its files too. KV of another key is never looked at.
/// </summary>
/// <param name="Model">The model's name, for people.</param>
/// <param name="ModelIdentity">SHA-256 of the weights and configuration.</param>
/// <param name="TokenizerIdentity">SHA-256 of the tokenizer.</param>
/// <param name="Policy">How keys and values are kept.</param>
/// <param name="PrefixIds">The prompt prefix that every chunk is computed behind.</param>
internal sealed record KvKey(string Model, string ModelIdentity, string TokenizerIdentity, string Policy, IReadOnlyList<int> PrefixIds)
{
    /// <summary>The name of the folder for this key.</summary>
    public string FolderName()
    {
        string key = string.Join('\n', $"kv {KvFileHeader.Version}", ModelIdentity, TokenizerIdentity, Policy, string.Join(',', PrefixIds));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32];
    }
}
