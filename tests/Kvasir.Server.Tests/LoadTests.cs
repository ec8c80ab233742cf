using System.Net;
using System.Net.Http.Json;
using Kvasir.Cache;
using Kvasir.Server.Hosting;

namespace Kvasir.Server.Tests;

/// <summary>Many clients at once, clients that leave, and servers that are started again.</summary>
public sealed class LoadTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task Sixty_clients_under_a_budget_get_what_each_would_get_alone()
    {
        const int Clients = 60;
        KvForecast forecast = fixture.Model.Forecast(ServerFixture.Exact);
        long budget = 4 * forecast.MostBytes(600) + forecast.PassBytes(512, 16);
        await using KvasirServer server = await KvasirServer.StartAsync(fixture.Model, null, new ServerOptions
        {
            Port = 0,
            Engine = new EngineOptions { Policy = ServerFixture.Exact, KvBudget = budget, QueueLimit = 100 },
        });
        using var http = new HttpClient { BaseAddress = server.Address };
        string[] prompts = [.. Enumerable.Range(0, Clients).Select(i => $"{i} " + new string((char)('a' + i % 26), 1 + i * 37 % 400))];
        JsonElement[] answers = await Task.WhenAll(prompts.Select(prompt => CompleteAsync(http, prompt, 40)));
        foreach ((string prompt, JsonElement answer) in prompts.Zip(answers).Where((_, i) => i % 5 == 0))
        {
            await using var engine = new EngineLoop(fixture.Model, new EngineOptions { Policy = ServerFixture.Exact });
            GenerationResult alone = await engine.Start(fixture.Model.Tokenizer.Encode(prompt), new GenerationOptions { MaxTokens = 40 })
                .CompleteAsync();
            Assert.Equal(alone.Text, answer.GetProperty("choices")[0].GetProperty("text").GetString());
        }

        EngineStatus status = await server.Engine.GetStatusAsync();
        Assert.Equal(Clients, status.Finished);
        Assert.InRange(status.MostKvBytes, 1, budget);
    }

    [Fact]
    public async Task Answers_from_documents_take_their_turn_and_their_bytes_beside_all_others()
    {
        const int Files = 6, Clients = 36;
        KvForecast forecast = fixture.Model.Forecast(ServerFixture.Exact);
        long budget = 2 * forecast.MostBytes(700) + forecast.PassBytes(512, 16);
        using var folder = new TemporaryFolder();
        await using KvasirServer server = await KvasirServer.StartAsync(fixture.Model, null, new ServerOptions
        {
            Port = 0,
            DocumentsFolder = folder.Path,
            Engine = new EngineOptions { Policy = ServerFixture.Exact, KvBudget = budget, QueueLimit = 100, PrefixBytes = 0 },
        });
        using var http = new HttpClient { BaseAddress = server.Address };
        for (int i = 0; i < Files; i++)
        {
            using var file = new StringContent($"Room {i} is kept by warden number {i}, who has its key and asks for names.");
            using HttpResponseMessage taken = await http.PutAsync(new Uri($"/documents/rooms/files/{i}.txt", UriKind.Relative), file);
            Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        }

        string[] alone = new string[Files];
        for (int i = 0; i < Files; i++) alone[i] = await AskAsync(i);
        long finished = (await server.Engine.GetStatusAsync()).Finished;
        Assert.Equal(Files, finished);
        string[] answers = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async i => i % 2 == 0 ? await AskAsync(i / 2 % Files)
            : (await CompleteAsync(http, new string('x', 1 + i * 11), 30)).GetProperty("choices")[0].GetProperty("text").GetString()!));
        for (int i = 0; i < Clients; i += 2) Assert.Equal(alone[i / 2 % Files], answers[i]);
        EngineStatus status = await server.Engine.GetStatusAsync();
        Assert.Equal((Files + Clients, 0L), (status.Finished, status.KvBytes));
        Assert.InRange(status.MostKvBytes, budget / 4, budget);

        async Task<string> AskAsync(int room)
        {
            using HttpResponseMessage response = await http.PostAsJsonAsync(new Uri("/v1/chat/completions", UriKind.Relative), new
            {
                model = "kvasir/docs:rooms",
                messages = new[] { new { role = "user", content = $"Who keeps room {room}?" } },
                max_tokens = 20,
            });
            string text = await response.Content.ReadAsStringAsync();
            Assert.True(response.StatusCode == HttpStatusCode.OK, text);
            JsonElement message = JsonDocument.Parse(text).RootElement.GetProperty("choices")[0].GetProperty("message");
            return message.GetProperty("content").GetString()!;
        }
    }

    [Fact]
    public async Task Clients_that_vanish_leave_nothing_behind()
    {
        await using KvasirServer server = await KvasirServer.StartAsync(fixture.Model, null, new ServerOptions
        {
            Port = 0,
            Engine = new EngineOptions { Policy = ServerFixture.Exact, PrefixBytes = 0, Parallel = 4, QueueLimit = 500 },
        });
        using var http = new HttpClient { BaseAddress = server.Address };
        await Parallel.ForEachAsync(Enumerable.Range(0, 200), async (i, _) =>
        {
            using var leaving = new CancellationTokenSource(TimeSpan.FromMilliseconds(i % 40));
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
            {
                Content = JsonContent
                    .Create(new { model = "kvasir", prompt = $"client {i}", max_tokens = 3000, temperature = 0, stream = i % 2 == 0 }),
            };
            try
            {
                using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
                await response.Content.ReadAsStringAsync(leaving.Token);
            }
            catch (OperationCanceledException)
            {
                // That is what leaving looks like from here.
            }
        });
        for (int i = 0; i < 1000 && server.Engine.InFlight > 0; i++) await Task.Delay(10);
        EngineStatus status = await server.Engine.GetStatusAsync();
        Assert.Equal((0, 0, 0L), (status.Running, status.Waiting, status.KvBytes));
    }

    [Fact]
    public async Task Shared_beginning_is_not_computed_again_after_a_restart()
    {
        using var folder = new TemporaryFolder();
        string shared = string.Concat(Enumerable.Repeat("the same words over again; ", 76));
        ServerOptions options = new()
        {
            Port = 0,
            Engine = new EngineOptions { Policy = ServerFixture.Exact, Prompts = new PromptStore(folder.Sub("prompts")) },
        };
        await using (KvasirServer first = await KvasirServer.StartAsync(fixture.Model, null, options))
        {
            using var http = new HttpClient { BaseAddress = first.Address };
            Assert.Equal(0, Cached(await CompleteAsync(http, shared + "one", 2)));
            await first.StopAsync();
        }

        await using KvasirServer second = await KvasirServer.StartAsync(fixture.Model, null, options);
        using var again = new HttpClient { BaseAddress = second.Address };
        Assert.InRange(Cached(await CompleteAsync(again, shared + "two", 2)), 1792, 2052);

        static int Cached(JsonElement answer) => answer.GetProperty("usage").GetProperty("prompt_tokens_details")
            .GetProperty("cached_tokens").GetInt32();
    }

    [Fact]
    public async Task Request_says_how_its_keys_and_values_are_kept_within_what_is_allowed()
    {
        await using KvasirServer server = await KvasirServer.StartAsync(fixture.Model, null, new ServerOptions
        {
            Port = 0,
            Engine = new EngineOptions { Policy = ServerFixture.Exact, Policies = [KvPolicy.Parse("k=kivi4,v=kivi4")] },
        });
        using var http = new HttpClient { BaseAddress = server.Address };
        string prompt = string.Concat(Enumerable.Repeat("one and the same; ", 20));
        Assert.Equal((0, 0), (await CachedAsync(null), await CachedAsync("k=kivi4,v=kivi4")));
        EngineStatus status = await server.Engine.GetStatusAsync();
        Assert.All(status.Layers, layer => Assert.Contains(
            layer.Codecs.Keys, codec => codec.StartsWith("kivi4", StringComparison.Ordinal)));
        Assert.InRange(await CachedAsync("k=kivi4,v=kivi4"), 64, 1000);
        Assert.InRange(await CachedAsync(ServerFixture.Exact.ToString()), 64, 1000);
        using HttpResponseMessage refused = await PostAsync("k=kivi2,v=kivi2");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("this server allows", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await OllamaAsync("k=kivi4,v=kivi4"));
        Assert.Equal(HttpStatusCode.BadRequest, await OllamaAsync("k=kivi2,v=kivi2"));

        async Task<HttpStatusCode> OllamaAsync(string kv)
        {
            using HttpResponseMessage response = await http.PostAsJsonAsync(new Uri("/api/generate", UriKind.Relative),
                new { model = "kvasir", prompt, stream = false, options = new { num_predict = 2, kv } });
            return response.StatusCode;
        }

        Task<HttpResponseMessage> PostAsync(string? kv) => http.PostAsJsonAsync(
            new Uri("/v1/completions", UriKind.Relative), new { model = "kvasir", prompt, max_tokens = 2, temperature = 0, kv });

        async Task<int> CachedAsync(string? kv)
        {
            using HttpResponseMessage response = await PostAsync(kv);
            string text = await response.Content.ReadAsStringAsync();
            Assert.True(response.StatusCode == HttpStatusCode.OK, text);
            return JsonDocument.Parse(text).RootElement.GetProperty("usage").GetProperty("prompt_tokens_details")
                .GetProperty("cached_tokens").GetInt32();
        }
    }

    [Fact]
    public async Task Stopping_lets_replies_end_and_refuses_new_ones()
    {
        KvasirServer server = await KvasirServer.StartAsync(fixture.Model, null, new ServerOptions { Port = 0 });
        using var http = new HttpClient { BaseAddress = server.Address };
        Task<JsonElement> running = CompleteAsync(http, "before", 1000);
        while (server.Engine.InFlight == 0) await Task.Delay(1);
        Task stopping = server.StopAsync();
        Assert.Equal(1000, (await running).GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        await stopping;
        await server.DisposeAsync();
    }

    private static async Task<JsonElement> CompleteAsync(HttpClient http, string prompt, int tokens)
    {
        using HttpResponseMessage response = await http.PostAsJsonAsync(
            new Uri("/v1/completions", UriKind.Relative), new { model = "kvasir", prompt, max_tokens = tokens, temperature = 0 });
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement;
    }
}
