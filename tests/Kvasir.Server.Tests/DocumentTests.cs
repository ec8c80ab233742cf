using System.Net;
using System.Net.Http.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using OpenAI.Chat;

namespace Kvasir.Server.Tests;

public sealed class DocumentTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const string Handbook = "Travel is approved by the head of the department.\n\nLunch is at noon, in the hall with the green "
        + "door.";

    [Fact]
    public async Task Uploaded_file_is_listed_searched_read_and_removed()
    {
        Assert.Equal(HttpStatusCode.OK, (await UploadAsync("rules", "handbook.md", Handbook)).Status);
        JsonElement files = await GetAsync("/documents/rules");
        Assert.Equal("handbook.md", files.GetProperty("files")[0].GetProperty("file").GetString());
        (_, JsonElement found) = await fixture.PostAsync("/documents/rules/search", """{"query":"Who approves travel?"}""");
        JsonElement passage = found.GetProperty("passages")[0];
        Assert.Contains("head of the department", passage.GetProperty("text").GetString(), StringComparison.Ordinal);
        JsonElement chunks = await GetAsync(passage.GetProperty("url").GetString()!.Split('#')[0]);
        Assert.Equal(passage.GetProperty("text").GetString(),
            chunks.GetProperty("chunks")[passage.GetProperty("chunk").GetInt32()].GetProperty("text").GetString());
        Assert.Equal(HttpStatusCode.OK, (await fixture.Http.DeleteAsync(Path("/documents/rules/files/handbook.md"))).StatusCode);
        Assert.Equal(0, (await GetAsync("/documents/rules")).GetProperty("files").GetArrayLength());
    }

    [Fact]
    public async Task Answer_from_documents_cites_its_passages_and_reuses_their_kv()
    {
        await UploadAsync("office", "office.txt", Handbook);
        const string Question = """
            {"model":"kvasir/docs:office","messages":[{"role":"user","content":"Who approves travel?"}],"max_tokens":5
            """;
        (_, JsonElement whole) = await fixture.PostAsync("/v1/chat/completions", Question + "}");
        JsonElement message = whole.GetProperty("choices")[0].GetProperty("message");
        JsonElement citation = message.GetProperty("annotations")[0].GetProperty("url_citation");
        Assert.StartsWith("/documents/office/files/office.txt#chunk=0", citation.GetProperty("url").GetString(), StringComparison.Ordinal);
        Assert.InRange(whole.GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32(), 50, 2000);
        Assert.DoesNotContain(fixture.ModelPath.Split("tiny")[0], whole.GetRawText(), StringComparison.Ordinal);

        var text = new StringBuilder();
        ChatClient client = fixture.OpenAI().GetChatClient("kvasir/docs:office");
        await foreach (StreamingChatCompletionUpdate update in client.CompleteChatStreamingAsync(
            [ChatMessage.CreateUserMessage("Who approves travel?")], new ChatCompletionOptions { MaxOutputTokenCount = 5 }))
            foreach (ChatMessageContentPart part in update.ContentUpdate) text.Append(part.Text);
        Assert.Equal(message.GetProperty("content").GetString(), text.ToString());
    }

    [Theory]
    [InlineData("/documents/..%2f..%2fetc/files/a.txt")]
    [InlineData("/documents/a/files/..%2f..%2fb.txt")]
    [InlineData("/documents/a/files/.hidden")]
    [InlineData("/documents/a/files/%2e%2e")]
    [InlineData("/documents/A/files/b.txt")]
    [InlineData("/documents/.uploads/files/b.txt")]
    [InlineData("/documents/a/files/b%00.txt")]
    [InlineData("/documents/a/files/b%5Cc.txt")]
    public async Task Names_that_could_lead_elsewhere_are_refused(string path)
    {
        using var content = new StringContent("text");
        using HttpResponseMessage response = await fixture.Http.PutAsync(new Uri(fixture.Server.Address + path[1..]), content);
        Assert.Contains(response.StatusCode, new[] { HttpStatusCode.BadRequest, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed });
    }

    [Fact]
    public async Task File_that_is_no_text_is_refused_and_progress_is_told()
    {
        (HttpStatusCode status, JsonElement body) = await UploadAsync("bad", "broken.pdf", "%PDF-1.4 nothing");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.NotEmpty(body.GetProperty("error").GetProperty("message").GetString()!);
        using var request = new HttpRequestMessage(HttpMethod.Put, Path("/documents/told/files/long.txt"))
        {
            Content = new StringContent(string.Concat(Enumerable.Range(0, 400).Select(i => $"Sentence number {i} says what it says. "))),
            Headers = { { "Accept", "application/x-ndjson" } },
        };
        using HttpResponseMessage response = await fixture.Http.SendAsync(request);
        string[] lines = (await response.Content.ReadAsStringAsync()).Trim().Split('\n');
        Assert.InRange(JsonDocument.Parse(lines[^1]).RootElement.GetProperty("chunks").GetInt32(), 10, 200);
    }

    [Fact]
    public async Task Every_model_can_be_asked_for_by_the_name_that_requests_give_it()
    {
        await UploadAsync("listed", "rules.md", Handbook);
        string collection = "kvasir/docs:listed";
        foreach (string name in new[] { "tiny", "kvasir", collection, Uri.EscapeDataString(collection) })
        {
            JsonElement model = await GetAsync($"/v1/models/{name}");
            Assert.Equal(name.Contains("listed", StringComparison.Ordinal) ? collection : "tiny", model.GetProperty("id").GetString());
        }
    }

    [Fact]
    public async Task Refused_upload_changes_nothing_and_does_not_tell_where_the_server_keeps_its_files()
    {
        await UploadAsync("kept", "rules.md", Handbook);
        (HttpStatusCode status, JsonElement body) = await UploadAsync("kept", "rules.md", "\0\u0001\u0002");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        string message = body.GetProperty("error").GetProperty("message").GetString()!;
        Assert.StartsWith("rules.md: ", message, StringComparison.Ordinal);
        await UploadAsync("kept", "new.md", "\0\u0001\u0002");
        string uploads = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(fixture.ModelPath)!, "documents", ".uploads", "kept");
        Assert.Equal(["rules.md"], Directory.GetFiles(uploads).Select(System.IO.Path.GetFileName));
        Assert.Equal(Handbook, await File.ReadAllTextAsync(System.IO.Path.Combine(uploads, "rules.md")));
    }

    [Fact]
    public async Task Mcp_client_ingests_searches_and_asks()
    {
        await using McpClient client = await McpClient.CreateAsync(new HttpClientTransport(
            new HttpClientTransportOptions { Endpoint = new Uri(fixture.Server.Address, "mcp") }));
        Assert.Equal(["ask_documents", "ingest", "list_documents", "search_documents"],
            (await client.ListToolsAsync()).Select(tool => tool.Name).Order());
        await CallAsync("ingest", ("collection", "mcp"), ("file", "note.md"), ("text", Handbook));
        Assert.Contains("note.md", await CallAsync("list_documents", ("collection", "mcp")), StringComparison.Ordinal);
        Assert.Contains("green door", await CallAsync("search_documents", ("collection", "mcp"), ("query", "Where is lunch?")),
            StringComparison.Ordinal);
        JsonElement answer = JsonDocument.Parse(await CallAsync(
            "ask_documents", ("collection", "mcp"), ("question", "Where is lunch?"), ("maxTokens", 4))).RootElement;
        Assert.InRange(answer.GetProperty("passages").GetArrayLength(), 1, 5);
        CallToolResult refused = await client.CallToolAsync("ingest", new Dictionary<string, object?>
        {
            ["collection"] = "../x",
            ["file"] = "a.txt",
            ["text"] = "b",
        });
        Assert.True(refused.IsError);
        CallToolResult empty = await client.CallToolAsync("search_documents", new Dictionary<string, object?>
        {
            ["query"] = null,
            ["collection"] = "mcp",
        });
        Assert.Contains("query: give a text", Assert.IsType<TextContentBlock>(empty.Content[0]).Text, StringComparison.Ordinal);

        async Task<string> CallAsync(string tool, params (string Name, object? Value)[] arguments)
        {
            CallToolResult result = await client.CallToolAsync(tool, arguments.ToDictionary(one => one.Name, one => one.Value));
            string text = Assert.IsType<TextContentBlock>(result.Content[0]).Text;
            Assert.NotEqual(true, result.IsError);
            return text;
        }
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> UploadAsync(string collection, string file, string text)
    {
        using var content = new StringContent(text);
        using HttpResponseMessage response = await fixture.Http.PutAsync(Path($"/documents/{collection}/files/{file}"), content);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    private Task<JsonElement> GetAsync(string path) => fixture.Http.GetFromJsonAsync<JsonElement>(Path(path));

    private static Uri Path(string path) => new(path, UriKind.Relative);
}
