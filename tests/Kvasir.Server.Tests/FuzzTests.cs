using System.Net;

namespace Kvasir.Server.Tests;

/// <summary>
/// Requests that are nearly right, thousands of them: each is answered, none with a fault of the server, and nothing is left behind.
/// <c>KVASIR_FUZZ_REQUESTS</c> says how many, and <c>KVASIR_FUZZ_SEED</c> which.
/// </summary>
public sealed class FuzzTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly (string Path, string Json)[] Seeds =
    [
        ("/v1/chat/completions", """
            {"model":"kvasir","messages":[{"role":"system","content":"s"},{"role":"user","content":"x","name":"n"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"1","content":"y"}],"max_tokens":1,"temperature":0.5,"top_p":0.5,"n":2,"seed":7,"stop":["a","b"],"logprobs":true,"top_logprobs":2,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}],"tool_choice":"auto","stream":true,"stream_options":{"include_usage":true}}
            """),
        ("/v1/chat/completions", """
            {"model":"kvasir","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"max_tokens":2,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{"a":{"anyOf":[{"type":"string","maxLength":3},{"$ref":"#/$defs/b"}]}},"required":["a"],"$defs":{"b":{"enum":[1,"x",null]}}}}}}
            """),
        ("/v1/completions", """
            {"model":"kvasir","prompt":[[1,2,3],[4]],"max_tokens":1,"logprobs":3,"grammar":"root ::= [a-z]+ (\"x\" | \"y\"){1,3}"}
            """),
        ("/v1/responses", """
            {"model":"kvasir","instructions":"i","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]},{"type":"function_call","call_id":"1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"o"}],"max_output_tokens":1,"text":{"format":{"type":"text"}},"stream":true}
            """),
        ("/api/chat", """
            {"model":"tiny:latest","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]}],"format":"json","options":{"temperature":1,"num_predict":1,"top_k":3,"stop":["x"]},"stream":false}
            """),
        ("/api/generate", """{"model":"tiny","prompt":"x","system":"s","options":{"num_predict":1},"raw":true}"""),
        ("/api/show", """{"model":"tiny"}"""),
        ("/documents/none/search", """{"query":"x","count":3}"""),
        ("/documents/fuzz/search", """{"query":"Who approves travel?","count":3}"""),
        ("/v1/chat/completions", """
            {"model":"kvasir/docs:fuzz","messages":[{"role":"user","content":"Who approves travel?"}],"max_tokens":1,"temperature":0.5,"top_p":0.9,"seed":3,"stop":["a"],"stream":true,"stream_options":{"include_usage":true},"metadata":{},"store":false}
            """),
        ("/v1/embeddings", """{"model":"kvasir","input":["x","y"],"encoding_format":"base64","dimensions":32,"user":"u"}"""),
        ("/api/embed", """{"model":"kvasir","input":["x"],"truncate":true,"dimensions":32,"keep_alive":"5m"}"""),
        ("/api/pull", """{"model":"x","stream":false}"""),
        ("/api/generate", """
            {"model":"tiny","prompt":"x","system":"s","images":["aGVsbG8="],"format":{"type":"object","properties":{"a":{"type":"number","minimum":1,"maximum":1e3}},"required":["a"]},"options":{"num_predict":1,"num_ctx":128,"repeat_last_n":-1,"kv":"k=f32,v=f32"},"stream":true,"think":false,"keep_alive":-1}
            """),
        ("/mcp", """
            {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_documents","arguments":{"query":"travel","collection":"fuzz","count":2}}}
            """),
        ("/mcp", """
            {"jsonrpc":"2.0","id":"2","method":"tools/call","params":{"name":"ask_documents","arguments":{"question":"Who?","collection":"fuzz","maxTokens":1}}}
            """),
        ("/mcp", """{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"list_documents","arguments":{"collection":"fuzz"}}}"""),
        ("/mcp", """
            {"jsonrpc":"2.0","id":4,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"n","version":"1"}}}
            """),
    ];

    private static readonly int s_requests = Number("KVASIR_FUZZ_REQUESTS", 5000), s_seed = Number("KVASIR_FUZZ_SEED", 0);

    private static readonly string[] Values =
    [
        "null", "true", "-1", "0", "1e400", "99999999999999999999999", "0.1", "\"\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "[]", "{}",
            "[[[[]]]]", "\"x\"",
        "[null]", "{\"a\":{}}", "-0.0", "\"\\ud800\"", "2147483648", "\"function\"", "\"required\"", "\"<|end|>\"",
        "1e-400", "-9223372036854775809", "18446744073709551616", "1.0", "\"1\"", "\"\\udc00x\"", "\"kvasir/docs:fuzz\"", "\"a\\nb\"",
    ];

    [Fact]
    public async Task Nearly_right_requests_never_find_a_fault_of_the_server()
    {
        const int Together = 8;
        using (var file = new StringContent("Travel is approved by the head of the department."))
        using (HttpResponseMessage taken = await fixture.Http.PutAsync(new Uri("/documents/fuzz/files/a.txt", UriKind.Relative), file))
            Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        var problems = new List<string>();
        int accepted = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, s_requests), new ParallelOptions { MaxDegreeOfParallelism = Together },
            async (round, stop) =>
        {
            var random = new Random(s_seed + round);
            (string path, string json) = Seeds[random.Next(Seeds.Length)];
            for (int change = random.Next(1, 4); change > 0; change--) json = Changed(json, random);
            using var content = new ByteArrayContent(Bytes(json, random));
            content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = content };
            request.Headers.Accept.ParseAdd("application/json, text/event-stream");
            using HttpResponseMessage response = await fixture.Http.SendAsync(request, stop);
            string body = await response.Content.ReadAsStringAsync(stop);
            if (response.IsSuccessStatusCode) Interlocked.Increment(ref accepted);
            if ((int)response.StatusCode >= 500 || body.Contains("server_error", StringComparison.Ordinal))
                lock (problems) problems.Add($"{response.StatusCode} {path} {json}: {body}");
        });
        Assert.Empty(problems);
        Assert.InRange(accepted, s_requests / 50, s_requests);
        for (int i = 0; i < 500 && fixture.Server.Engine.InFlight > 0; i++) await Task.Delay(10);
        EngineStatus status = await fixture.Server.Engine.GetStatusAsync();
        Assert.Equal((0, 0, status.PrefixBytes), (status.Running, status.Waiting, status.Layers.Sum(layer => layer.Bytes)));
        Assert.Equal(HttpStatusCode.OK, (await fixture.Http.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode);
    }

    /// <summary>Any path, method and body: names of collections and files that are nearly right, and files of any bytes.</summary>
    [Fact]
    public async Task Nearly_right_paths_and_files_never_find_a_fault_of_the_server()
    {
        string[] paths = ["/documents/fuzzed/files/a.txt", "/documents/fuzzed/files/b.md", "/documents/fuzzed/files/c.html",
            "/documents/fuzzed/files/d.csv", "/documents/fuzzed/files/e.jsonl", "/documents/fuzzed/files/f.pdf", "/documents/fuzzed",
            "/documents", "/v1/models/tiny", "/api/tags", "/api/ps", "/status", "/health", "/openapi.json", "/metrics", "/", "/mcp"];
        string[] contents = ["# A title\n\nA sentence.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
            "<html><body><p>Text</p><table><tr><td>1</td></tr></table>", "name,age\na,1\nb,2\n",
            "{\"id\":\"1\",\"text\":\"x\"}\n{\"id\":\"2\",\"text\":\"y\"}\n", "%PDF-1.4\n1 0 obj << /Type /Catalog >>\n"];
        string[] methods = ["GET", "PUT", "PUT", "PUT", "DELETE", "POST", "PATCH", "HEAD", "OPTIONS"];
        var problems = new List<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, s_requests / 25), new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (round, stop) =>
        {
            var random = new Random(s_seed + round);
            string path = paths[random.Next(paths.Length)];
            if (random.Next(2) == 0)
                path = path.Insert(random.Next(1, path.Length + 1), Uri.EscapeDataString(((char)random.Next(1, 0xd000)).ToString()));
            string content = contents[random.Next(contents.Length)];
            for (int change = random.Next(3); change > 0; change--) content = Changed(content, random);
            using var request = new HttpRequestMessage(
                new HttpMethod(methods[random.Next(methods.Length)]), new Uri(fixture.Server.Address + path[1..]));
            if (request.Method != HttpMethod.Get && request.Method != HttpMethod.Head)
                request.Content = new ByteArrayContent(Bytes(content, random));
            using HttpResponseMessage response = await fixture.Http.SendAsync(request, stop);
            string body = await response.Content.ReadAsStringAsync(stop);
            if ((int)response.StatusCode >= 500 || body.Contains("server_error", StringComparison.Ordinal))
                lock (problems) problems.Add($"{response.StatusCode} {request.Method} {path} {content}: {body}");
        });
        Assert.Empty(problems);
    }

    private static int Number(string variable, int otherwise) => Environment.GetEnvironmentVariable(variable) is { } set
        ? int.Parse(set, System.Globalization.CultureInfo.InvariantCulture) : otherwise;

    /// <summary>A value put in place of another, a piece taken out or doubled, brackets opened.</summary>
    private static string Changed(string json, Random random)
    {
        if (json.Length == 0) return json;
        int at = random.Next(json.Length);
        switch (random.Next(5))
        {
            case 0:
            case 1:
                int colon = json.IndexOf(':', at);
                int end = colon < 0 ? -1 : json.IndexOfAny([',', '}', ']'], colon);
                return end < 0 ? json : json[..(colon + 1)] + Values[random.Next(Values.Length)] + json[end..];
            case 2:
                return random.Next(10) == 0 ? Twisted(json, random) : json.Remove(at, Math.Min(json.Length - at, random.Next(1, 9)));
            case 3:
                return json.Insert(at, json.Substring(at, Math.Min(json.Length - at, random.Next(1, 9))));
            default:
                return random.Next(20) == 0 ? json.Insert(at, new string('[', 5000))
                    : json.Insert(at, ((char)random.Next(1, 300)).ToString());
        }
    }

    /// <summary>A number that is huge, a value in many brackets, or the whole many times over.</summary>
    private static string Twisted(string json, Random random)
    {
        int at = json.IndexOfAny([.. "0123456789"], random.Next(json.Length));
        return random.Next(3) switch
        {
            0 when at >= 0 => json.Insert(at, new string('9', random.Next(1, 400))),
            1 when json.IndexOf(':') is var colon and > 0 && json.IndexOfAny([',', '}'], colon) is var end and > 0 =>
                json[..(colon + 1)] + new string('[', random.Next(1, 100)) + json[(colon + 1)..end]
                + new string(']', random.Next(1, 100)) + json[end..],
            _ => string.Concat(Enumerable.Repeat(json, random.Next(2, 50))),
        };
    }

    private static byte[] Bytes(string json, Random random)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        if (bytes.Length > 0 && random.Next(4) == 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }
}
