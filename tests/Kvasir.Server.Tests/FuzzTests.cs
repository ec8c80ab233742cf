using System.Net;

namespace Kvasir.Server.Tests;

/// <summary>
/// Requests that are nearly right, thousands of them: each is answered, none with a fault of the server, and nothing is left behind.
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
    ];

    private static readonly string[] Values =
    [
        "null", "true", "-1", "0", "1e400", "99999999999999999999999", "0.1", "\"\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "[]", "{}",
            "[[[[]]]]", "\"x\"",
        "[null]", "{\"a\":{}}", "-0.0", "\"\\ud800\"", "2147483648", "\"function\"", "\"required\"", "\"<|end|>\"",
    ];

    [Fact]
    public async Task Nearly_right_requests_never_find_a_fault_of_the_server()
    {
        const int Rounds = 10_000, Together = 8;
        var problems = new List<string>();
        int accepted = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, Rounds), new ParallelOptions { MaxDegreeOfParallelism = Together },
            async (round, stop) =>
        {
            var random = new Random(round);
            (string path, string json) = Seeds[random.Next(Seeds.Length)];
            for (int change = random.Next(1, 4); change > 0; change--) json = Changed(json, random);
            using var content = new ByteArrayContent(Bytes(json, random));
            content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            using HttpResponseMessage response = await fixture.Http.PostAsync(new Uri(path, UriKind.Relative), content, stop);
            string body = await response.Content.ReadAsStringAsync(stop);
            if (response.IsSuccessStatusCode) Interlocked.Increment(ref accepted);
            if ((int)response.StatusCode >= 500 || body.Contains("server_error", StringComparison.Ordinal))
                lock (problems) problems.Add($"{response.StatusCode} {path} {json}: {body}");
        });
        Assert.Empty(problems);
        Assert.InRange(accepted, Rounds / 50, Rounds);
        for (int i = 0; i < 500 && fixture.Server.Engine.InFlight > 0; i++) await Task.Delay(10);
        EngineStatus status = await fixture.Server.Engine.GetStatusAsync();
        Assert.Equal((0, 0, status.PrefixBytes), (status.Running, status.Waiting, status.Layers.Sum(layer => layer.Bytes)));
        Assert.Equal(HttpStatusCode.OK, (await fixture.Http.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode);
    }

    /// <summary>A value put in place of another, a piece taken out or doubled, brackets opened.</summary>
    private static string Changed(string json, Random random)
    {
        int at = random.Next(json.Length);
        switch (random.Next(5))
        {
            case 0:
            case 1:
                int colon = json.IndexOf(':', at);
                int end = colon < 0 ? -1 : json.IndexOfAny([',', '}', ']'], colon);
                return end < 0 ? json : json[..(colon + 1)] + Values[random.Next(Values.Length)] + json[end..];
            case 2:
                return json.Remove(at, Math.Min(json.Length - at, random.Next(1, 9)));
            case 3:
                return json.Insert(at, json.Substring(at, Math.Min(json.Length - at, random.Next(1, 9))));
            default:
                return random.Next(20) == 0 ? json.Insert(at, new string('[', 5000))
                    : json.Insert(at, ((char)random.Next(1, 300)).ToString());
        }
    }

    private static byte[] Bytes(string json, Random random)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        if (random.Next(4) == 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }
}
