using System.Security.Cryptography;

namespace Kvasir.Tokenization;

/// <summary>The SHA-256 by which saved caches know their tokenizer.</summary>
internal static class TokenizerIdentity
{
    /// <summary>Hashes everything that decides which ids a text becomes.</summary>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="settings">The parts that ids play.</param>
    /// <param name="rules">Kind, normaliser and pre-tokenizer as text.</param>
    /// <param name="merges">Merges or scores, as bytes in file order.</param>
    public static string Of(Vocabulary vocabulary, TokenizerSettings settings, string rules, ReadOnlySpan<byte> merges)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int[] ids =
        [
            settings.BeginOfText, settings.EndOfText, settings.Unknown, (int)settings.SpacePrefix,
            settings.Prefix.Length, .. settings.Prefix, settings.Suffix.Length, .. settings.Suffix, .. settings.Normalized.Order(),
        ];
        int[] borders = [.. settings.Borders.OrderBy(border => border.Key).SelectMany(border => new[] { border.Key, (int)border.Value })];
        Append(hash, Encoding.UTF8.GetBytes(rules));
        Append(hash, MemoryMarshal.AsBytes<int>(ids));
        Append(hash, MemoryMarshal.AsBytes<int>(borders));
        Append(hash, MemoryMarshal.AsBytes(vocabulary.Starts));
        Append(hash, MemoryMarshal.AsBytes(vocabulary.Kinds));
        Append(hash, vocabulary.AllBytes);
        Append(hash, merges);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        hash.AppendData(BitConverter.GetBytes(part.Length));
        hash.AppendData(part);
    }
}
