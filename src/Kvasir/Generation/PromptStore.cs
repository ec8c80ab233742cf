using Kvasir.Cache;
using Kvasir.Memory;

namespace Kvasir.Generation;

/// <summary>
/// Keys and values of long prompts in a folder, for later sessions and other processes: a prefix cache on disk. A <see cref="KvFile"/>
/// holds up to 256 tokens, from where another one ends (or is left by another prompt) to a multiple of 32, and is named by hashes of the
/// model, the policy and all ids up to there (<see cref="PromptKeys"/>), so a prompt finds its longest stored beginning part by part, in
/// whole blocks of 32 tokens. Files appear under their names when they are whole, so any number of processes may use one folder and end
/// at any moment.
/// </summary>
public sealed class PromptStore
{
    /// <summary>The most tokens of a file: eight blocks of the cache.</summary>
    public const int BlockTokens = 256;

    /// <summary>
    /// Prompts with fewer tokens are neither looked up nor stored: computing two blocks anew takes a fraction of a second, and short
    /// prompts are many.
    /// </summary>
    public const int LeastTokens = 512;

    /// <summary>The quota where none is given: 2 GB.</summary>
    public const long DefaultQuota = 2L << 30;

    private const string Extension = ".kv";

    /// <summary>
    /// What a process that ended while it wrote has left behind is removed after this time; a living one writes a block in less.
    /// </summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    /// <summary>A store in a folder, which is made when there is something to store.</summary>
    /// <param name="folder">The folder; what else lies in it is left alone.</param>
    /// <param name="quota">The most bytes of stored blocks; those least recently used go first.</param>
    /// <exception cref="InvalidInputException">The path is that of a file.</exception>
    public PromptStore(string folder, long quota = DefaultQuota)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(quota);
        if (File.Exists(folder)) throw new InvalidInputException($"{folder}: a file; prompts are kept in a folder");
        (Folder, Quota) = (Path.GetFullPath(folder), quota);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The most bytes of stored blocks.</summary>
    public long Quota { get; }

    /// <summary>Why the last prompt could not be stored, or null. A prompt that is not stored costs only time.</summary>
    public string? Problem { get; private set; }

    /// <summary>
    /// Where steps over a prompt end besides multiples of <see cref="BlockTokens"/>, so that what is stored reaches as far as it can be
    /// used: its last token is computed whatever is stored.
    /// </summary>
    internal static int LastBorder(int promptTokens) =>
        promptTokens < LeastTokens ? 0 : (promptTokens - 1) / PromptKeys.BorderTokens * PromptKeys.BorderTokens;

    /// <summary>Places the stored parts that follow what a cache holds of a prompt.</summary>
    /// <param name="cache">It holds a beginning of the prompt, possibly none.</param>
    /// <param name="prompt">All ids of the prompt; its last token is not taken from the store, so that it has logits.</param>
    /// <returns>Tokens that the cache holds now.</returns>
    internal int Load(KvCache cache, ReadOnlySpan<int> prompt)
    {
        if (prompt.Length < LeastTokens || cache.Layout.KeysDependOnLength) return cache.Length;
        // Without files the model's identity, which can take seconds to compute the first time, is not needed.
        ILookup<string, string> names = Names();
        List<Part> parts = names.Count > 0 ? Known(names, PromptKeys.Of(cache.Layout, cache.Policy, prompt[..^1])) : [];
        int whole = cache.WholeBlockTokens;
        if (parts.Count > 0 && parts[^1].End > cache.Length)
        {
            int next = parts.FindIndex(part => part.End > whole);
            cache.Truncate(parts[next].First);
            while (next < parts.Count && Place(cache, parts[next], prompt[parts[next].First..parts[next].End])) next++;
            Touch(parts.Take(next));
        }
        else if (!cache.HasTail && cache.Length - whole < KvBlock.Tokens)
        {
            // Behind a block that was cut short no later block would stand where it can be stored.
            cache.Truncate(whole);
        }
        return cache.Length;
    }

    /// <summary>Stores the blocks at the beginning of a cache that are whole, sealed and not there yet.</summary>
    internal void Save(KvCache cache, ReadOnlySpan<int> ids)
    {
        int whole = Math.Min(cache.WholeBlockTokens, ids.Length) / PromptKeys.BorderTokens * PromptKeys.BorderTokens;
        if (ids.Length < LeastTokens || whole == 0 || cache.Layout.KeysDependOnLength) return;
        try
        {
            MakeFolder();
            string[] keys = PromptKeys.Of(cache.Layout, cache.Policy, ids[..whole]);
            ILookup<string, string> names = Names();
            var parts = new List<Part>();
            long bytes = 0;
            // What exceeds the quota by itself would be written only to be evicted.
            for (int at = 0; at < whole && (at == 0 || bytes + bytes / parts.Count <= Quota); at = parts[^1].End)
            {
                parts.Add(Longest(names, keys, at) ?? Write(cache, ids, keys, at, Math.Min(whole, (at / BlockTokens + 1) * BlockTokens)));
                bytes += LengthOf(new FileInfo(PathOf(parts[^1].Name)));
            }
            Touch(parts);
            Evict();
            Problem = null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Problem = problem.Message;
        }
    }

    private Part Write(KvCache cache, ReadOnlySpan<int> ids, string[] keys, int first, int end)
    {
        string name = PromptKeys.Name(keys, first / PromptKeys.BorderTokens, end / PromptKeys.BorderTokens);
        using KvCache part = cache.ShareBlocks(end);
        part.Save(PathOf(name), ids[first..end], first, isPrivate: true);
        return new Part(name, first, end);
    }

    /// <summary>The parts that a prompt goes along with, each from the end of the one before.</summary>
    private static List<Part> Known(ILookup<string, string> names, string[] keys)
    {
        var parts = new List<Part>();
        while (Longest(names, keys, parts.Count > 0 ? parts[^1].End : 0) is { } part) parts.Add(part);
        return parts;
    }

    /// <summary>
    /// Of the files that begin at a border, what is common with the one that goes furthest along; null where there is none.
    /// </summary>
    private static Part? Longest(ILookup<string, string> names, string[] keys, int first)
    {
        int border = first / PromptKeys.BorderTokens;
        string? longest = names[PromptKeys.Beginning(keys[border])].MaxBy(name => PromptKeys.Common(name, keys, border));
        int common = longest is null ? 0 : PromptKeys.Common(longest, keys, border);
        return common == 0 ? null : new Part(longest!, first, first + common * PromptKeys.BorderTokens);
    }

    /// <summary>False, and the file is gone, where it is damaged or not what its name says.</summary>
    private bool Place(KvCache cache, Part part, ReadOnlySpan<int> ids)
    {
        try
        {
            using KvFile file = KvFile.Open(PathOf(part.Name), cache.Layout, verify: true);
            if (file.FirstPosition == cache.Length && file.Ids.Take(ids.Length).SequenceEqual(ids.ToArray()) && file.IsKeptAs(cache))
            {
                cache.Place(file);
                cache.Truncate(part.End);
                return true;
            }
        }
        catch (KvasirException)
        {
            // It is computed and stored anew.
        }
        Delete(PathOf(part.Name));
        return false;
    }

    /// <summary>
    /// Marks files as used now, each later than the one behind it: so none is evicted before what cannot be found without it.
    /// </summary>
    private void Touch(IEnumerable<Part> parts)
    {
        DateTime now = DateTime.UtcNow;
        foreach ((int behind, Part part) in parts.Reverse().Index())
            try
            {
                File.SetLastWriteTimeUtc(PathOf(part.Name), now.AddMicroseconds(behind + 1));
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                // Another process has evicted it, or the folder is read-only: it counts as used when it was.
            }
    }

    /// <summary>Removes what was least recently used until the quota is kept, and what writers that ended early have left.</summary>
    private void Evict()
    {
        List<FileInfo> blocks = [];
        foreach (FileInfo file in new DirectoryInfo(Folder).GetFiles())
        {
            if (PromptKeys.NameIn(file.Name) is not { } name) continue;
            if (file.Name.Length == name.Length + Extension.Length) blocks.Add(file);
            else if (DateTime.UtcNow - file.LastWriteTimeUtc > Abandoned) Delete(file.FullName);
        }
        new FileQuota(Quota, blocks).Enforce();
    }

    /// <summary>The names of all stored files, by what says where they begin.</summary>
    private ILookup<string, string> Names()
    {
        string[] files = [];
        try
        {
            if (Directory.Exists(Folder)) files = Directory.GetFiles(Folder, "*" + Extension);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // As if nothing were stored.
        }
        return files.Select(file => PromptKeys.NameIn(Path.GetFileName(file))).OfType<string>().ToLookup(PromptKeys.Beginning);
    }

    /// <summary>Prompts are private: the folder and its files are the user's alone where the system has permissions of that kind.</summary>
    private void MakeFolder()
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(Folder);
        else Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>0 where another process has just removed it.</summary>
    private static long LengthOf(FileInfo file) => file.Exists ? file.Length : 0;

    private string PathOf(string name) => Path.Combine(Folder, name + Extension);

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Another process holds it; the next eviction tries again.
        }
    }

    /// <summary>A stored file, as far as a prompt goes along with it.</summary>
    private readonly record struct Part(string Name, int First, int End);
}
