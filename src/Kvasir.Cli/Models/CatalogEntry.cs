namespace Kvasir.Cli.Models;

/// <summary>A GGUF file on the model hub.</summary>
/// <param name="Name">What the user calls it.</param>
/// <param name="Repository">Owner and repository.</param>
/// <param name="File">Path of the file in the repository; its last part is the local file name.</param>
/// <param name="Bytes">Its size, where known; otherwise the hub says.</param>
/// <param name="Licence">SPDX identifier or name of the weights' licence.</param>
/// <param name="Sha256">Checksum (hex) where it is fixed here; otherwise the hub's is taken.</param>
internal sealed record CatalogEntry(string Name, string Repository, string File, long? Bytes, string Licence, string? Sha256 = null)
{
    public string LocalName => File[(File.LastIndexOf('/') + 1)..];

    /// <summary>The branch, tag or commit that it is taken from.</summary>
    public string Revision { get; init; } = HubReference.Newest;

    /// <summary>About how large it is, for people.</summary>
    public int Megabytes { get; init; }

    /// <summary>What it can do, in a word or two.</summary>
    public string Use { get; init; } = "";
}
