using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Kvasir.Server.Hosting;

namespace Kvasir.Server.Tests;

public sealed class RefusalTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const string Chat = "/v1/chat/completions", Hello = """ "messages":[{"role":"user","content":"x"}],"max_tokens":1 """;

    [Theory]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"user","content":"x"}],"logit_bias":{"5":1}}""", "logit_bias")]
    [InlineData(Chat, """{"model":"kvasir","messages":[]}""", "messages")]
    [InlineData(Chat, """{"messages":[{"role":"user","content":"x"}]}""", "model is missing")]
    [InlineData(Chat, """
        {"model":"kvasir","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}
        """, "image_url")]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"wizard","content":"x"}]}""", "messages[0].role")]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"user","content":"x"}],"n":1000}""", "n: give")]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"user","content":"x"}],"temperature":1e999}""", "temperature")]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"user","content":"x"}],"max_tokens":99999999999999999999}""", "max_tokens")]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"user","content":"\ud800"}]}""", "surrogate")]
    [InlineData(Chat, """{"model":"kvasir","model":"kvasir","messages":[]}""", "valid JSON")]
    [InlineData(Chat, """
        {"model":"kvasir","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"string","pattern":"(?=a)"}}}}
        """, "lookahead")]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"user","content":"x"}],"tool_choice":"required"}""", "no tools")]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"user","content":"x"}],"stop":[""]}""", "stop")]
    [InlineData(Chat, """
        {"model":"kvasir","messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true}}
        """, "stream_options")]
    [InlineData(Chat, """{"model":"kvasir","messages":[{"role":"user","content":"x"}],"store":true}""", "store")]
    [InlineData(Chat, """{"model":"kvasir/docs:none","messages":[{"role":"user","content":"x"}]}""", "collection")]
    [InlineData("/v1/completions", """{"model":"kvasir","prompt":"x","echo":true}""", "echo")]
    [InlineData("/v1/completions", """{"model":"kvasir","prompt":[1,2,100000]}""", "token ids")]
    [InlineData("/v1/completions", """{"model":"kvasir","prompt":[]}""", "prompt: give at least one")]
    [InlineData("/v1/completions", """{"model":"kvasir","prompt":"x","grammar":"root ::= root"}""", "left recursion")]
    [InlineData("/v1/responses", """{"model":"kvasir","input":"x","previous_response_id":"resp_1"}""", "not stored")]
    [InlineData("/v1/embeddings", """{"model":"kvasir","input":"x"}""", "no sentence encoder")]
    [InlineData("/api/chat", """{"model":"kvasir","messages":[{"role":"user","content":"x","images":["a"]}]}""", "images")]
    [InlineData("/api/generate", """{"model":"kvasir","prompt":"x","suffix":"y"}""", "suffix")]
    [InlineData("/v1/files", "{}", "nothing here")]
    public async Task What_is_not_supported_is_refused_by_name(string path, string json, string about)
    {
        (HttpStatusCode status, JsonElement body) = await fixture.PostAsync(path, json);
        Assert.InRange((int)status, 400, 404);
        Assert.Contains(about, body.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Long_prompts_and_large_bodies_are_refused()
    {
        string Long(int length) => $$"""{"model":"kvasir","messages":[{"role":"user","content":"{{new string('x', length)}}"}]}""";
        (HttpStatusCode context, JsonElement body) = await fixture.PostAsync(Chat, Long(5000));
        Assert.Equal(HttpStatusCode.BadRequest, context);
        Assert.Contains("context", body.GetRawText(), StringComparison.Ordinal);
        using var large = new HttpRequestMessage(HttpMethod.Post, Chat)
        {
            Content = new StringContent(Long(17 << 20), Encoding.UTF8, "application/json"),
            Headers = { ExpectContinue = true },
        };
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await fixture.Http.SendAsync(large)).StatusCode);
    }

    [Fact]
    public async Task Only_json_and_only_names_of_this_machine_are_answered()
    {
        using var form = new StringContent("""
            {"model":"kvasir","messages":[{"role":"user","content":"x"}]}
            """, Encoding.UTF8, "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await fixture.Http.PostAsync(new Uri(Chat, UriKind.Relative), form)).StatusCode);
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { Host = "evil.example" } };
        Assert.Equal(HttpStatusCode.Forbidden, (await fixture.Http.SendAsync(rebound)).StatusCode);
        using HttpResponseMessage plain = await fixture.Http.GetAsync(new Uri("/v1/models", UriKind.Relative));
        Assert.False(plain.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Key_is_asked_for_where_there_is_one()
    {
        await using KvasirServer server = await KvasirServer
            .StartAsync(fixture.Model, null, new ServerOptions { Port = 0, ApiKey = "secret" });
        using var http = new HttpClient { BaseAddress = server.Address };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(new Uri("/v1/models", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(new Uri("/metrics", UriKind.Relative))).StatusCode);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "secret2");
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(new Uri("/v1/models", UriKind.Relative))).StatusCode);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "secret");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri("/v1/models", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task Empty_key_and_a_file_for_collections_are_refused_at_the_start()
    {
        InvalidInputException key = await Assert.ThrowsAsync<InvalidInputException>(
            () => KvasirServer.StartAsync(fixture.Model, null, new ServerOptions { Port = 0, ApiKey = "" }));
        Assert.Contains("key", key.Message, StringComparison.Ordinal);
        InvalidInputException file = await Assert.ThrowsAsync<InvalidInputException>(
            () => KvasirServer.StartAsync(fixture.Model, null, new ServerOptions { Port = 0, DocumentsFolder = fixture.ModelPath }));
        Assert.Contains("a file, not a folder", file.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/health")]
    [InlineData("/api/tags")]
    public async Task Headers_alone_can_be_asked_for(string path)
    {
        using var head = new HttpRequestMessage(HttpMethod.Head, path);
        using HttpResponseMessage answer = await fixture.Http.SendAsync(head);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Empty(await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task What_fails_stands_on_standard_error_and_not_among_the_output()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.Sub("documents"));
        File.WriteAllText(folder.Sub("documents/.uploads"), "a file where the server's folder would be");
        await using ServerProcess server = await ServerProcess.StartAsync(
            "--model", fixture.ModelPath, "--store", folder.Sub("documents"), "--prompt-cache", "off");
        using var content = new StringContent("text");
        using HttpResponseMessage failed = await server.Http.PutAsync(new Uri("/documents/a/files/b.txt", UriKind.Relative), content);
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
        (string output, string errors) = await server.EndAsync();
        Assert.Equal("", output);
        Assert.Contains("/documents/a/files/b.txt failed", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Full_queue_gives_429_and_when_to_come_again()
    {
        await using KvasirServer server = await KvasirServer.StartAsync(fixture.Model, null, new ServerOptions
        {
            Port = 0,
            Engine = new EngineOptions { Parallel = 1, QueueLimit = 0 },
        });
        using var http = new HttpClient { BaseAddress = server.Address };
        GenerationStream running = server.Engine.Start([1, 2, 3], new GenerationOptions { MaxTokens = 2000, IgnoreEndOfText = true });
        using var content = new StringContent("{\"model\":\"kvasir\"," + Hello + "}", Encoding.UTF8, "application/json");
        using HttpResponseMessage refused = await http.PostAsync(new Uri(Chat, UriKind.Relative), content);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        running.Cancel();
    }

    [Theory]
    [InlineData("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        + "4\r\n\r\n\u00ff\u00fe{}")]
    [InlineData("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("GET /%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData("nonsense\r\n\r\n")]
    public async Task Garbage_is_answered_with_400_or_404(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", fixture.Server.Address.Port);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request));
        byte[] answer = new byte[64];
        int read = await client.GetStream().ReadAsync(answer);
        Assert.Matches("^HTTP/1.1 40[0-9]", Encoding.ASCII.GetString(answer, 0, read));
    }

    [Fact]
    public async Task Every_endpoint_stands_in_the_openapi_document_and_in_the_docs()
    {
        string docs = await File.ReadAllTextAsync(Path.Combine(SharedData.ProjectRoot(), "docs/server.md"));
        JsonElement paths = JsonDocument.Parse(await fixture.Http.GetStringAsync(new Uri("/openapi.json", UriKind.Relative))).RootElement
            .GetProperty("paths");
        foreach (JsonProperty path in paths.EnumerateObject())
            Assert.Contains($"`{path.Name}`", docs, StringComparison.Ordinal);
        foreach (JsonProperty path in paths.EnumerateObject())
            foreach (JsonProperty method in path.Value.EnumerateObject())
                if (method.Value.TryGetProperty("requestBody", out JsonElement body))
                    Assert.Equal(Rows(body.GetProperty("content").GetProperty("application/json").GetProperty("schema")),
                        docs.Split($"**`{path.Name}`**")[1].Split("\n\n")[1].Trim().Split('\n')[2..]);

        static IEnumerable<string> Rows(JsonElement schema)
        {
            HashSet<string?> required = [.. schema.GetProperty("required").EnumerateArray().Select(name => name.GetString())];
            return schema.GetProperty("properties").EnumerateObject().Select(field =>
                $"| `{field.Name}`{(required.Contains(field.Name) ? " (required)" : "")} | "
                + $"{string.Join(" or ", field.Value.GetProperty("type").EnumerateArray().Select(type => type.GetString()))} | "
                + $"{field.Value.GetProperty("description").GetString()} |");
        }
    }

    [Fact]
    public async Task Metrics_tell_tokens_and_times()
    {
        await fixture.PostAsync(Chat, "{\"model\":\"kvasir\"," + Hello + "}");
        string metrics = await fixture.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains("gen_ai_server_time_to_first_token_seconds_bucket", metrics, StringComparison.Ordinal);
        Assert.Contains("kvasir_tokens", metrics, StringComparison.Ordinal);
    }
}
