namespace Kvasir.Cli.Models;

/// <summary>Downloads of models with a live bar.</summary>
internal static class ModelDownload
{
    /// <exception cref="InvalidInputException">There is no model of that name.</exception>
    /// <exception cref="WorkFailedException">No network, a full disk, a wrong checksum.</exception>
    public static PulledModel Pull(string name, ModelFolders folders, Terminal terminal)
    {
        HubReference? repository = Catalog.Find(name) is null && HubReference.Parse(name) is { File: null } reference ? reference : null;
        CatalogEntry? entry = repository is null ? Catalog.Require(name) : null;
        using var hub = new ModelHub(ModelHub.AddressFromEnvironment(Environment.GetEnvironmentVariable), folders.ForDownloads());
        using var line = new ProgressLine(terminal, $"pull {entry?.Name ?? name}");
        IProgress<DownloadProgress> bar = ProgressLine.Of<DownloadProgress>(value => line.Report(
            value.Bytes, value.Total ?? 0, Units.Bytes(value.Bytes) + (value.Total is long total ? $" of {Units.Bytes(total)}" : "")));
        Task<PulledModel> pull = repository is null
            ? hub.Pull(entry!, bar, terminal.Interrupted) : hub.Pull(repository, bar, terminal.Interrupted);
        return pull.GetAwaiter().GetResult();
    }
}
