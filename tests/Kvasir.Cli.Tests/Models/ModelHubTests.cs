using System.Net;
using System.Net.Sockets;
using Kvasir.Cli.Models;

namespace Kvasir.Cli.Tests.Models;

/// <summary>Pulling a model from a server on this machine.</summary>
public sealed class ModelHubTests : IDisposable
{
    private static readonly CatalogEntry s_entry = new("Test", "owner/repository", "sub/model-Q8_0.gguf", null, "Apache-2.0");

    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-hub-").FullName;
    private readonly byte[] _file = MakeFile(1_000_000);

    private string Target => Path.Combine(_folder, "model-Q8_0.gguf");

    private string Part => Target + ".part";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Whole_file_arrives_checked_and_with_progress()
    {
        using var server = new FakeHub(_file);
        var progress = new Recorder();
        PulledModel pulled = await Pull(server, progress: progress);
        Assert.Equal(new PulledModel(Target, _file.Length, server.Checksum, Checked: true, WasThere: false), pulled);
        Assert.Equal(_file, await File.ReadAllBytesAsync(Target));
        Assert.False(File.Exists(Part));
        Assert.Equal(["/owner/repository/resolve/main/sub/model-Q8_0.gguf", "/blob"], server.Requests);
        Assert.Equal(new DownloadProgress(0, _file.Length), progress.Reports[0]);
        Assert.Equal(new DownloadProgress(_file.Length, _file.Length), progress.Reports[^1]);
        Assert.Equal(progress.Reports.OrderBy(report => report.Bytes), progress.Reports);
    }

    [Fact]
    public async Task Model_that_is_there_is_not_downloaded_again()
    {
        using var server = new FakeHub(_file);
        await File.WriteAllBytesAsync(Target, _file);
        Assert.True((await Pull(server)).WasThere);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Cut_connections_are_taken_up_where_they_broke()
    {
        using var server = new FakeHub(_file);
        server.Cuts.Enqueue(300_000);
        server.Cuts.Enqueue(100_000);
        PulledModel pulled = await Pull(server);
        Assert.True(pulled.Checked);
        Assert.Equal(_file, await File.ReadAllBytesAsync(Target));
        Assert.Contains("/blob from 300000", server.Requests);
        Assert.Contains("/blob from 400000", server.Requests);
    }

    [Fact]
    public async Task Part_of_an_earlier_run_is_kept_and_completed()
    {
        using var server = new FakeHub(_file);
        await File.WriteAllBytesAsync(Part, _file[..700_000]);
        await Pull(server);
        Assert.Equal(_file, await File.ReadAllBytesAsync(Target));
        Assert.Equal("/blob from 700000", server.Requests[^1]);
    }

    [Fact]
    public async Task Complete_part_of_an_earlier_run_is_checked_and_renamed()
    {
        using var server = new FakeHub(_file);
        await File.WriteAllBytesAsync(Part, _file);
        Assert.True((await Pull(server)).Checked);
        Assert.Equal(_file, await File.ReadAllBytesAsync(Target));
    }

    [Fact]
    public async Task Part_that_is_longer_than_the_file_is_started_anew()
    {
        using var server = new FakeHub(_file);
        await File.WriteAllBytesAsync(Part, new byte[_file.Length + 5]);
        await Pull(server);
        Assert.Equal(_file, await File.ReadAllBytesAsync(Target));
    }

    [Fact]
    public async Task Server_without_ranges_starts_the_file_anew()
    {
        using var server = new FakeHub(_file) { IgnoresRanges = true };
        await File.WriteAllBytesAsync(Part, new byte[1000]);
        await Pull(server);
        Assert.Equal(_file, await File.ReadAllBytesAsync(Target));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Wrong_checksum_deletes_the_download_and_says_so(bool fixedInCatalogue)
    {
        string wrong = new('a', 64);
        using var server = new FakeHub(_file) { Checksum = fixedInCatalogue ? null : wrong };
        WorkFailedException error =
            await Assert.ThrowsAsync<WorkFailedException>(() => Pull(server, s_entry with { Sha256 = fixedInCatalogue ? wrong : null }));
        Assert.Contains(wrong, error.Message, StringComparison.Ordinal);
        Assert.Contains("deleted", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task Missing_checksum_is_reported_as_not_checked()
    {
        using var server = new FakeHub(_file) { Checksum = null };
        Assert.False((await Pull(server)).Checked);
    }

    [Fact]
    public async Task Page_in_place_of_a_model_is_refused()
    {
        using var server = new FakeHub("<html>log in</html>"u8.ToArray());
        WorkFailedException error = await Assert.ThrowsAsync<WorkFailedException>(() => Pull(server));
        Assert.Contains("not a GGUF file", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData(404, "has no file owner/repository/sub/model-Q8_0.gguf")]
    [InlineData(401, "without a login")]
    [InlineData(403, "without a login")]
    public async Task Refusal_of_the_server_says_what_to_do_instead(int status, string problem)
    {
        using var server = new FakeHub(_file) { Status = status };
        InvalidInputException error = await Assert.ThrowsAsync<InvalidInputException>(() => Pull(server));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains($"put a GGUF file into {_folder}, or pass --model PATH", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task Server_that_stays_broken_is_given_up_after_some_tries()
    {
        using var server = new FakeHub(_file) { Status = 503 };
        WorkFailedException error = await Assert.ThrowsAsync<WorkFailedException>(() => Pull(server));
        Assert.Contains("503", error.Message, StringComparison.Ordinal);
        Assert.Equal(5, server.Requests.Length);
    }

    [Fact]
    public async Task Download_that_breaks_for_good_keeps_its_part()
    {
        using var server = new FakeHub(_file);
        server.Cuts.Enqueue(123_000);
        for (int i = 0; i < 10; i++)
        {
            server.Cuts.Enqueue(0);
        }

        WorkFailedException error = await Assert.ThrowsAsync<WorkFailedException>(() => Pull(server));
        Assert.Contains("run the same command again", error.Message, StringComparison.Ordinal);
        Assert.Equal(_file[..123_000], await File.ReadAllBytesAsync(Part));
    }

    [Fact]
    public async Task No_server_says_what_to_do_instead()
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        using var hub = new ModelHub(new Uri($"http://127.0.0.1:{port}"), _folder);
        WorkFailedException error = await Assert.ThrowsAsync<WorkFailedException>(() => hub.Pull(s_entry));
        Assert.Contains("cannot be reached", error.Message, StringComparison.Ordinal);
        Assert.Contains("--model PATH", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task Silent_server_is_not_waited_for_without_end()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var hub = new ModelHub(
            new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"), _folder, TimeSpan.FromMilliseconds(50),
            TimeSpan.Zero);
        WorkFailedException error = await Assert.ThrowsAsync<WorkFailedException>(() => hub.Pull(s_entry));
        Assert.Contains("does not answer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_keeps_what_has_arrived()
    {
        using var server = new FakeHub(_file);
        using var cancellation = new CancellationTokenSource();
        var progress = new Recorder(report =>
        {
            if (report.Bytes > 0)
            {
                cancellation.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Pull(server, progress: progress, cancellation: cancellation.Token));
        Assert.True(File.Exists(Part));
        Assert.False(File.Exists(Target));
    }

    [Fact]
    public async Task Two_downloads_of_one_file_do_not_mix()
    {
        using var server = new FakeHub(_file);
        await using var other = new FileStream(Part, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        WorkFailedException error = await Assert.ThrowsAsync<WorkFailedException>(() => Pull(server));
        Assert.Contains("another download", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Full_disk_keeps_the_part_and_asks_for_space()
    {
        using var server = new FakeHub(_file);
        await File.WriteAllBytesAsync(Part, _file[..1000]);
        var progress = new Recorder(_ => throw new IOException("No space left on device", 28));
        WorkFailedException error = await Assert.ThrowsAsync<WorkFailedException>(() => Pull(server, progress: progress));
        Assert.Contains("the disk is full", error.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(Part));
    }

    [Theory]
    [InlineData(null, null, "https://huggingface.co/")]
    [InlineData(null, "https://mirror.example", "https://mirror.example/")]
    [InlineData("http://localhost:1/hub", "https://mirror.example", "http://localhost:1/hub")]
    public void Address_comes_from_the_environment(string? hub, string? endpoint, string expected) =>
        Assert.Equal(new Uri(expected), ModelHub.AddressFromEnvironment(name => name == "KVASIR_HUB" ? hub : endpoint));

    [Fact]
    public void Address_that_is_none_is_refused_by_name()
    {
        InvalidInputException error =
            Assert.Throws<InvalidInputException>(() => ModelHub.AddressFromEnvironment(name => name == "KVASIR_HUB" ? "ftp://x" : null));
        Assert.StartsWith("KVASIR_HUB: 'ftp://x'", error.Message, StringComparison.Ordinal);
    }

    private async Task<PulledModel> Pull(
        FakeHub server, CatalogEntry? entry = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var hub = new ModelHub(server.Address, _folder, TimeSpan.FromMinutes(2), TimeSpan.Zero);
        return await hub.Pull(entry ?? s_entry, progress, cancellation);
    }

    private static byte[] MakeFile(int length)
    {
        byte[] file = new byte[length];
        new Random(1).NextBytes(file);
        "GGUF"u8.CopyTo(file);
        return file;
    }

    private sealed class Recorder(Action<DownloadProgress>? action = null) : IProgress<DownloadProgress>
    {
        public List<DownloadProgress> Reports { get; } = [];

        public void Report(DownloadProgress value)
        {
            Reports.Add(value);
            action?.Invoke(value);
        }
    }
}
