using System.Net;
using Kvasir.Documents;

namespace Kvasir.Server.Tests;

/// <summary>A server that is killed in the middle of everything.</summary>
public sealed class KillTests
{
    private const int Kills = 3;

    [Fact]
    public async Task Killed_server_leaves_a_store_that_verifies_and_the_next_one_serves_it()
    {
        using var folder = new TemporaryFolder();
        string model = TinyModel.Write(folder.Sub("tiny.gguf"), contextLength: 4096), collections = folder.Sub("collections");
        string prompt = string.Concat(Enumerable.Range(0, 300).Select(i => $"word {i}; "));
        string[] arguments = ["--model", model, "--compute", "float32", "--kv", "k=f32,v=f32", "--threads", "1", "--store", collections,
            "--prompt-cache", folder.Sub("prompts")];
        var taken = new List<string>();
        string? first = null;
        for (int kill = 0; kill < Kills; kill++)
        {
            await using ServerProcess server = await ServerProcess.StartAsync(arguments);
            string text = await TextAsync(server, prompt);
            Assert.Equal(first ??= text, text);
            Task[] load = [.. Enumerable.Range(0, 4).Select(worker => UntilItDiesAsync(async i =>
            {
                string file = $"{kill}-{worker}-{i}.txt";
                using var content = new StringContent(
                    string.Concat(Enumerable.Range(0, 40).Select(line => $"Line {line} of {file} says {line * 7}. ")));
                using HttpResponseMessage response = await server.Http.PutAsync(Path($"/documents/all/files/{file}"), content);
                string report = await response.Content.ReadAsStringAsync();
                if (response.StatusCode != HttpStatusCode.OK) throw new InvalidOperationException(report);
                lock (taken) taken.Add(file);
            })), .. Enumerable.Range(0, 4).Select(worker => UntilItDiesAsync(async i =>
                _ = await TextAsync(server, $"{kill} {worker} {i} " + prompt)))];
            int before = taken.Count;
            for (int i = 0; i < 600 && taken.Count < before + 4; i++) await Task.Delay(100);
            await Task.Delay(37 * kill);
            await server.KillAsync();
            await Task.WhenAll(load);
        }

        using (Model loaded = Model.Load(model, new ModelOptions { Compute = ComputeMode.Float32, Threads = 1 }))
        using (DocumentLibrary library = DocumentLibrary.Open(System.IO.Path.Combine(collections, "all"), loaded, null))
        {
            Kvasir.Documents.Storage.StoreVerification found = library.Verify();
            Assert.Equal((0, 0, 0), (found.Damaged.Count, found.DamagedRecords, found.DamagedVectors));
            Assert.InRange(found.Chunks, taken.Count, int.MaxValue);
        }

        await using ServerProcess last = await ServerProcess.StartAsync(arguments);
        Assert.Equal(first, await TextAsync(last, prompt));
        JsonElement listed = JsonDocument.Parse(await last.Http.GetStringAsync(Path("/documents/all"))).RootElement;
        HashSet<string> files = [.. listed.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("file").GetString()!)];
        Assert.Superset(taken.ToHashSet(), files);
        Assert.Empty(Directory.EnumerateFiles(System.IO.Path.Combine(collections, ".uploads", "all"), ".*"));
        Assert.InRange(taken.Count, 1, int.MaxValue);
    }

    /// <summary>Goes on until the server is gone; what else goes wrong is thrown.</summary>
    private static async Task UntilItDiesAsync(Func<int, Task> work)
    {
        try
        {
            for (int i = 0; ; i++) await work(i);
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException)
        {
            // It was killed.
        }
    }

    private static async Task<string> TextAsync(ServerProcess server, string prompt)
    {
        using HttpResponseMessage response = await server.CompleteAsync(prompt, 8);
        string body = await response.Content.ReadAsStringAsync();
        return response.StatusCode == HttpStatusCode.OK
            ? JsonDocument.Parse(body).RootElement.GetProperty("choices")[0].GetProperty("text").GetString()!
            : throw new InvalidOperationException(body);
    }

    private static Uri Path(string path) => new(path, UriKind.Relative);
}
