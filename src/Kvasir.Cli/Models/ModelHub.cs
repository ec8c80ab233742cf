using System.Net;
using System.Text.Json;

namespace Kvasir.Cli.Models;

/// <summary>
/// Downloads GGUF files from a model hub: into <c>NAME.part</c>, going on where an earlier try stopped, checked against the
/// published SHA-256, flushed, then renamed; so what bears the final name is whole.
/// </summary>
/// <param name="hub">Its address.</param>
/// <param name="folder">Where files go; it must exist.</param>
/// <param name="patience">How long the server may be silent; 30 seconds by default.</param>
/// <param name="pause">Time before the first new try after a cut connection, doubled for each further one; 1 second by default.</param>
internal sealed class ModelHub(Uri hub, string folder, TimeSpan? patience = null, TimeSpan? pause = null) : IDisposable
{
    private const int MaxTries = 5;
    private const int BufferSize = 1 << 17;
    private static readonly string[] s_variables = ["KVASIR_HUB", "HF_ENDPOINT"];
    private static readonly Uri s_default = new("https://huggingface.co/");

    private readonly Uri _address = hub.AbsoluteUri.EndsWith('/') ? hub : new Uri(hub.AbsoluteUri + "/");
    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30), _pause = pause ?? TimeSpan.FromSeconds(1);
    private readonly HttpClient _client = new(
        new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = patience ?? TimeSpan.FromSeconds(30) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders = { { "User-Agent", "kvasir" } },
    };

    /// <summary>The hub that <c>KVASIR_HUB</c>, else <c>HF_ENDPOINT</c>, names; Hugging Face by default.</summary>
    /// <exception cref="InvalidInputException">Not an HTTP address.</exception>
    public static Uri AddressFromEnvironment(Func<string, string?> variable)
    {
        string? name = s_variables.FirstOrDefault(candidate => !string.IsNullOrWhiteSpace(variable(candidate)));
        return name is null ? s_default
            : Uri.TryCreate(variable(name), UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https" ? address
            : throw new InvalidInputException($"{name}: '{variable(name)}' is not an address that begins with http:// or https://");
    }

    /// <summary>Downloads what a name means: a file, or the model of a repository that is of the wanted type, with all its parts.</summary>
    /// <inheritdoc cref="Pull(CatalogEntry, IProgress{DownloadProgress}?, CancellationToken)"/>
    public async Task<PulledModel> Pull(
        HubReference reference, IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default)
    {
        var pulled = new List<PulledModel>();
        foreach (RepositoryFile file in RepositoryFiles.Choose(
            await List(reference, cancellation).ConfigureAwait(false), reference.Quant, reference.Repository))
        {
            CatalogEntry entry = (reference with { File = file.Path })
                .Entry($"{reference.Repository}/{file.Path}") with
            { Bytes = file.Bytes, Sha256 = file.Sha256 };
            var there = new FileInfo(Path.Combine(folder, entry.LocalName));
            if (there.Exists && file.Bytes is long bytes && there.Length != bytes)
                throw new InvalidInputException(
                    $"{there.FullName} is there already and is another file ({there.Length} bytes, not {bytes}); move it away, or pull "
                    + "into another folder (KVASIR_MODELS)");
            pulled.Add(await Pull(entry, progress, cancellation).ConfigureAwait(false));
        }

        return pulled[0] with
        {
            Bytes = pulled.Sum(part => part.Bytes),
            Checked = pulled.TrueForAll(part => part.Checked),
            WasThere = pulled.TrueForAll(part => part.WasThere)
        };
    }

    /// <summary>Downloads a model, unless it is there.</summary>
    /// <exception cref="InvalidInputException">The hub does not have it, or does not give it to everyone.</exception>
    /// <exception cref="WorkFailedException">No network, a full disk, a wrong checksum; the message says what to do.</exception>
    public async Task<PulledModel> Pull(
        CatalogEntry entry, IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default)
    {
        string target = Path.Combine(folder, entry.LocalName);
        if (File.Exists(target)) return new PulledModel(target, new FileInfo(target).Length, null, Checked: false, WasThere: true);
        try
        {
            PulledModel pulled;
            using (PartFile part = await PartFile.Open(target + ".part", cancellation).ConfigureAwait(false))
            {
                string? published = await Fetch(entry, part, progress, cancellation).ConfigureAwait(false);
                pulled = Check(entry, part, target, entry.Sha256 ?? published);
            }

            File.Move(target + ".part", target, overwrite: false);
            return pulled;
        }
        catch (IOException error) when (error is not WorkFailedException)
        {
            throw new WorkFailedException(
                WorkFailedException.IsNoSpace(error)
                    ? $"{folder}: the disk is full; make space and run the same command again, it goes on where it stopped"
                    : $"{target}.part: cannot be written ({error.Message}); is another download of it running?",
                error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new WorkFailedException(
                $"{target}.part: cannot be written ({error.Message}); set KVASIR_MODELS to a folder that can", error);
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<IReadOnlyList<RepositoryFile>> List(HubReference reference, CancellationToken cancellation)
    {
        var entry = new CatalogEntry(reference.Repository, reference.Repository, "", null, "") { Revision = reference.Revision };
        try
        {
            Uri address = new(_address,
                $"api/models/{reference.Repository}/tree/{Uri.EscapeDataString(reference.Revision)}?recursive=true");
            using HubResponse tree = await Request(address, 0, cancellation).ConfigureAwait(false);
            RefuseFailure(entry, tree);
            using Stream body = await tree.Body(cancellation).ConfigureAwait(false);
            using JsonDocument list = await JsonDocument.ParseAsync(body, default, cancellation).WaitAsync(_patience, cancellation)
                .ConfigureAwait(false);
            return RepositoryFiles.Parse(list.RootElement);
        }
        catch (Exception error) when (error is HttpRequestException or TimeoutException or JsonException)
        {
            throw NotReached(entry, 0, error);
        }
    }

    /// <summary>Fills the part file, over several connections where they are cut. Returns the published checksum.</summary>
    private async Task<string?> Fetch(
        CatalogEntry entry, PartFile part, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        Uri address = new(_address, $"{entry.Repository}/resolve/{Uri.EscapeDataString(entry.Revision)}/{entry.File}");
        for (int tries = 1; ; tries++)
        {
            long before = part.Length;
            Exception failure;
            try
            {
                using HubResponse response = await Request(address, part.Length, cancellation).ConfigureAwait(false);
                if (await TakeBody(entry, response, part, progress, cancellation).ConfigureAwait(false)) return response.Sha256;
                failure = new HttpRequestException("the server does not send what was asked for");
            }
            catch (Exception error) when (error is HttpRequestException or TimeoutException)
            {
                failure = error;
            }

            tries = part.Length > before ? 1 : tries;
            bool isOffline =
                failure is HttpRequestException
                { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };
            if (tries >= MaxTries || (isOffline && part.Length == 0)) throw NotReached(entry, part.Length, failure);
            await Task.Delay(_pause * Math.Pow(2, tries - 1), cancellation).ConfigureAwait(false);
        }
    }

    private Task<HubResponse> Request(Uri address, long start, CancellationToken cancellation) =>
        Patiently(token => HubResponse.Request(_client, address, start, token), "the server does not answer", cancellation);

    /// <summary>Waits as long as the server may be silent.</summary>
    /// <exception cref="TimeoutException">It was silent for longer; with this message.</exception>
    private async Task<T> Patiently<T>(Func<CancellationToken, Task<T>> wait, string silence, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_patience);
        try
        {
            return await wait(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException(silence, error);
        }
    }

    /// <summary>Appends the body; false where the file has to be asked for anew.</summary>
    private async Task<bool> TakeBody(
        CatalogEntry entry, HubResponse response, PartFile part, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        if (response.Status == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            if (response.Total == part.Length) return true;
            part.Clear();
            return false;
        }

        RefuseFailure(entry, response);
        if (response.Start != part.Length)
        {
            part.Clear();
            if (response.Start != 0) return false;
        }

        long? total = response.Total ?? entry.Bytes;
        RefuseWithoutSpace(total - part.Length);
        await Copy(response, part, total, progress, cancellation).ConfigureAwait(false);
        return total is null || part.Length >= total ? true : throw new HttpRequestException("the connection was cut");
    }

    private async Task Copy(HubResponse response, PartFile part, long? total, IProgress<DownloadProgress>? progress,
        CancellationToken cancellation)
    {
        using Stream body = await response.Body(cancellation).ConfigureAwait(false);
        byte[] buffer = new byte[BufferSize];
        progress?.Report(new DownloadProgress(part.Length, total));
        while (true)
        {
            int read = await Read(body, buffer, cancellation).ConfigureAwait(false);
            if (read == 0) return;
            await part.Append(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
            progress?.Report(new DownloadProgress(part.Length, total));
        }
    }

    private async Task<int> Read(Stream body, byte[] buffer, CancellationToken cancellation)
    {
        try
        {
            return await Patiently(token => body.ReadAsync(buffer, token).AsTask(), "the server went silent", cancellation)
                .ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw new HttpRequestException("the connection was cut", error);
        }
    }

    private static PulledModel Check(CatalogEntry entry, PartFile part, string target, string? expected)
    {
        string sha256 = part.Sha256();
        bool isWrong = expected is not null && !expected.Equals(sha256, StringComparison.OrdinalIgnoreCase);
        if (isWrong || !part.IsGguf())
        {
            part.Discard();
            throw new WorkFailedException(isWrong
                ? $"{entry.Name}: the download has the SHA-256 {sha256}, {expected} is published; it was deleted, run the same command "
                    + "again"
                : $"{entry.Name}: what the server sent is not a GGUF file; it was deleted");
        }

        part.Flush();
        return new PulledModel(target, part.Length, sha256, Checked: expected is not null, WasThere: false);
    }

    private void RefuseFailure(CatalogEntry entry, HubResponse response)
    {
        string what = entry.File.Length > 0 ? $"file {entry.Repository}/{entry.File}" : $"repository {entry.Repository}";
        switch (response.Status)
        {
            case HttpStatusCode.OK or HttpStatusCode.PartialContent:
                return;
            case HttpStatusCode.NotFound or HttpStatusCode.Gone:
                throw new InvalidInputException(
                    $"{_address.Host} has no {what}{(entry.Revision == HubReference.Newest ? "" : $" at revision {entry.Revision}")} "
                    + $"(404); {Instead}");
            case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when response.Refusal == "GatedRepo":
                throw new InvalidInputException(
                    $"{_address.Host} gives {entry.Repository} only to who has accepted its licence ({(int)response.Status}): do so at "
                    + $"{_address}{entry.Repository} and set {HubResponse.TokenVariable}, take another repository of the same model, or "
                    + $"{Instead}");
            case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                throw new InvalidInputException(
                    $"{_address.Host} does not give {what} without a login ({(int)response.Status}), or there is none of this name; "
                    + $"{Instead}");
            case HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError:
                throw new HttpRequestException($"the server answers {(int)response.Status}");
            default:
                throw new WorkFailedException($"{entry.Name}: {_address.Host} answers {(int)response.Status}; {Instead}");
        }
    }

    private void RefuseWithoutSpace(long? missing)
    {
        long free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (missing > free)
            throw new WorkFailedException(
                $"{folder}: {missing / 1e6:F0} MB are still to be downloaded and {free / 1e6:F0} MB are free; make space or set "
                + "KVASIR_MODELS to a folder on another disk");
    }

    private WorkFailedException NotReached(CatalogEntry entry, long done, Exception error) => new(
        done > 0
            ? $"{entry.Name}: the download stopped after {done / 1e6:F1} MB ({error.Message}); run the same command again, it goes on "
                + "from there"
            : $"{entry.Name}: {_address.Host} cannot be reached ({error.Message}); {Instead}",
        error);

    private string Instead => $"put a GGUF file into {folder}, or pass --model PATH";
}
