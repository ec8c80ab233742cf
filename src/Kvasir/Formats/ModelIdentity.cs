using System.Security.Cryptography;
using Kvasir.Memory;

namespace Kvasir.Formats;

/// <summary>
/// What makes two model files the same model: SHA-256 over the tensors (name, type, shape, data) and over the metadata that
/// affect the mathematics. Names, licences and the tokenizer (which has an identity of its own) do not count, nor does their order.
/// </summary>
internal static class ModelIdentity
{
    private const int Piece = 1 << 24, ShownDigits = 12;

    private static readonly string[] WithoutEffect = ["general.", "tokenizer.", "split."];

    /// <summary>The identity in lower-case hex. Reads all tensor data.</summary>
    public static string Compute(ModelFile file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "architecture", file.Get("general.architecture", ""), file.InterleavedRotary ? "interleaved" : "halves");
        foreach ((string key, object value) in file.Metadata.Where(pair => Counts(pair.Key))
            .OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Append(hash, "metadata", key, value.GetType().Name, Text(value));
        foreach (Tensor tensor in file.Tensors.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            Append(hash, "tensor", tensor.Name, tensor.Type.ToString(), Text(tensor.Shape.ToArray()));
            Append(hash, tensor);
            file.Release(tensor);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// The identity, kept in the user's cache folder under the paths, lengths and times of the model's files; computed where it is
    /// not there yet. A cache folder that cannot be read or written only costs the time.
    /// </summary>
    /// <param name="file">The model.</param>
    /// <param name="cacheFolder">Instead of the user's cache folder.</param>
    public static string Cached(ModelFile file, string? cacheFolder = null)
    {
        string folder = Path.Combine(cacheFolder ?? UserCacheFolder(), "kvasir", "identity");
        try
        {
            string path = Path.Combine(folder, CacheKey(file));
            if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: 64 } known && known.All(char.IsAsciiHexDigitLower))
                return known;
            string identity = Compute(file);
            TryKeep(path, identity);
            return identity;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Compute(file);
        }
    }

    /// <summary>An identity as it is shown to people: its first digits.</summary>
    public static string Short(string identity) => identity.Length > ShownDigits ? identity[..ShownDigits] : identity;

    private static void TryKeep(string path, string identity)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var kept = new ReplacedFile(path);
            kept.Stream.Write(Encoding.ASCII.GetBytes(identity));
            kept.Commit();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // It is computed again next time.
        }
    }

    private static string CacheKey(ModelFile file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in file.SourceFiles)
        {
            var info = new FileInfo(Path.GetFullPath(path));
            info = info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info;
            Append(hash, info.FullName, info.Length.ToString(CultureInfo.InvariantCulture),
                info.LastWriteTimeUtc.Ticks.ToString(CultureInfo.InvariantCulture));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The user's folder of files that can be made again; where there is no home, one of the system's.</summary>
    public static string UserCacheFolder() => UserCacheFolder(
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify));

    /// <inheritdoc cref="UserCacheFolder()"/>
    /// <param name="home">The user's home, which may not be there.</param>
    public static string UserCacheFolder(string home)
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set && Path.IsPathRooted(set)) return set;
        if (OperatingSystem.IsWindows()) return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        if (!Path.IsPathRooted(home)) home = Path.GetTempPath();
        return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches") : Path.Combine(home, ".cache");
    }

    private static bool Counts(string key) => !Array.Exists(WithoutEffect, prefix => key.StartsWith(prefix, StringComparison.Ordinal));

    private static string Text(object value) => value is Array list
        ? string.Join('\n', list.Cast<object>().Select(Text))
        : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    /// <summary>Each text after its length, so that no two lists of texts look the same.</summary>
    private static void Append(IncrementalHash hash, params ReadOnlySpan<string> texts)
    {
        foreach (string text in texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }

    private static unsafe void Append(IncrementalHash hash, Tensor tensor)
    {
        for (long done = 0; done < tensor.ByteLength; done += Piece)
            hash.AppendData(new ReadOnlySpan<byte>(tensor.Data + done, (int)Math.Min(Piece, tensor.ByteLength - done)));
    }
}
