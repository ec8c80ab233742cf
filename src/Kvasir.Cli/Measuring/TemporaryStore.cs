namespace Kvasir.Cli.Measuring;

/// <summary>A folder for a store that is gone afterwards.</summary>
internal sealed class TemporaryStore : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvasir-");

    public string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);
}
