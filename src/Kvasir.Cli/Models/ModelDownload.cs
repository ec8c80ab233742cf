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
        return (repository is null ? hub.Pull(entry!, new Bar(line), terminal.Interrupted) : hub.Pull(repository, new Bar(line), terminal.Interrupted)).GetAwaiter().GetResult();
    }

    private sealed class Bar(ProgressLine line) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => line.Report(value.Bytes, value.Total ?? 0, value.Total is long total
            ? string.Create(CultureInfo.InvariantCulture, $"{Units.Bytes(value.Bytes)} of {Units.Bytes(total)}")
            : Units.Bytes(value.Bytes));
    }
}
