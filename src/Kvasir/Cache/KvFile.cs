namespace Kvasir.Cache;

/// <summary>A saved cache, mapped read-only. Caches that placed it keep it alive.</summary>
public sealed class KvFile : IDisposable
{
    /// <summary>Maps a file and checks its header against the model it is to be used with.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model it must belong to.</param>
    /// <param name="verify">Check the checksum of all blocks now (reads the whole file).</param>
    /// <exception cref="InvalidInputException">Not a KV file, damaged, or made by another model, tokenizer or version; the message says what differs.</exception>
    public static KvFile Open(string path, Models.Model model, bool verify = false) => throw new NotImplementedException();

    /// <summary>Number of tokens.</summary>
    public int Tokens => throw new NotImplementedException();

    /// <summary>The token ids.</summary>
    public IReadOnlyList<int> Ids => throw new NotImplementedException();

    /// <summary>The position of its first token when it was computed.</summary>
    public int FirstPosition => throw new NotImplementedException();

    /// <summary>The policy it was made with.</summary>
    public KvPolicy Policy => throw new NotImplementedException();

    /// <summary>Bytes of keys and values.</summary>
    public long Bytes => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
