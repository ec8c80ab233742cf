namespace Kvasir.Cli.Models;

/// <summary>How far a download is.</summary>
/// <param name="Bytes">Bytes on disk, those of an earlier try included.</param>
/// <param name="Total">Size of the file; null where the server does not say.</param>
internal readonly record struct DownloadProgress(long Bytes, long? Total);

/// <summary>What a pull gave.</summary>
/// <param name="Path">The file.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Its checksum (hex); null where it was there already.</param>
/// <param name="Checked">Whether a published checksum was compared; a server that is not the hub may give none.</param>
/// <param name="WasThere">Whether it was there already and nothing was downloaded.</param>
internal sealed record PulledModel(string Path, long Bytes, string? Sha256, bool Checked, bool WasThere);
