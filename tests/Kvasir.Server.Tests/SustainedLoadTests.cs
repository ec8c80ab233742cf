using System.Net;
using Kvasir.Cache;
using Xunit.Abstractions;

namespace Kvasir.Server.Tests;

/// <summary>
/// Two hundred clients at once on the built-in model, for some seconds; <c>KVASIR_LOAD_SECONDS</c> says for how many else, and
/// <c>KVASIR_LOAD_MODEL</c> on which model. The figures are in the test's output.
/// </summary>
[Collection(Alone.Name)]
public sealed class SustainedLoadTests(ITestOutputHelper output)
{
    private const int Clients = 200, Questions = 24, FirstTokens = 16, LeastFirst = 4, MostPrompt = 200, MostReply = 64;
    private const int BudgetMegabytes = 64;
    private const long Budget = BudgetMegabytes << 20;

    /// <summary>By how much (a logarithm) a token is more probable than the next one where rounding cannot make it another.</summary>
    private const double WideMargin = 0.1;

    /// <summary>What buffers and heaps may still grow by behind the first third, however long it goes on.</summary>
    private const long MostBytesMore = 80 << 20;

    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(
        int.Parse(Environment.GetEnvironmentVariable("KVASIR_LOAD_SECONDS") ?? "8", System.Globalization.CultureInfo.InvariantCulture));

    private static readonly string s_model = Environment.GetEnvironmentVariable("KVASIR_LOAD_MODEL")
        ?? Path.Combine(SharedData.ProjectRoot(), "src/Kvasir.Demo/demonstration.gguf");

    /// <summary>In float32 an answer is the one that its client would get alone; in int8 its first tokens are, up to one that was
    /// nearly another.</summary>
    [Theory]
    [InlineData(ComputeMode.Float32, "k=f32,v=f32", 1)]
    [InlineData(ComputeMode.Int8, "k=f16,v=f16", 0.99)]
    public async Task Two_hundred_clients_get_what_each_would_get_alone(ComputeMode compute, string policy, double leastSame)
    {
        (string Prompt, int Tokens, string Alone, string FirstAlone)[] questions = await AloneAsync(compute, KvPolicy.Parse(policy));
        await using ServerProcess server = await ServerProcess.StartAsync(
            "--model", s_model, "--compute", compute.ToString().ToLowerInvariant(), "--kv", policy,
            "--kv-budget", $"{BudgetMegabytes}MB", "--prompt-cache", "off");
        int answered = 0, refused = 0, same = 0, sameFirst = 0;
        var problems = new List<string>();
        var memory = new List<long>();
        var clock = Stopwatch.StartNew();
        Task[] clients = [.. Enumerable.Range(0, Clients).Select(async client =>
        {
            var random = new Random(client);
            while (clock.Elapsed < s_time)
            {
                (string prompt, int most, string alone, string first) = questions[random.Next(Questions)];
                bool stream = random.Next(2) == 0;
                using HttpResponseMessage response = await server.CompleteAsync(prompt, most, stream);
                string body = await response.Content.ReadAsStringAsync();
                if (response.StatusCode == HttpStatusCode.TooManyRequests)
                {
                    Interlocked.Increment(ref refused);
                    await Task.Delay(response.Headers.RetryAfter!.Delta!.Value * (1 + random.NextDouble()));
                    continue;
                }

                if (response.StatusCode != HttpStatusCode.OK)
                {
                    lock (problems) problems.Add($"{response.StatusCode}: {body}");
                    return;
                }

                string text = stream ? Streamed(body) : Text(JsonDocument.Parse(body).RootElement);
                Interlocked.Increment(ref answered);
                if (text == alone) Interlocked.Increment(ref same);
                if (text.StartsWith(first, StringComparison.Ordinal)) Interlocked.Increment(ref sameFirst);
            }
        })];
        Task all = Task.WhenAll(clients);
        while (!all.IsCompleted)
        {
            await Task.WhenAny(all, Task.Delay(s_time / 40));
            memory.Add(server.MemoryBytes);
        }

        await all;
        JsonElement status = await server.StatusAsync();
        long early = memory[..(memory.Count / 3)].Max(), late = memory[^(memory.Count / 3)..].Max();
        double speed = status.GetProperty("generated_tokens").GetInt64() / clock.Elapsed.TotalSeconds;
        long mostHeld = status.GetProperty("most_kv_bytes").GetInt64();
        output.WriteLine(
            $"{compute}, {clock.Elapsed.TotalSeconds:0} s: {answered:N0} answers, {speed:0} tokens/s, {refused:N0} refused with 429, "
            + $"{same:N0} the same, {sameFirst:N0} in their first {FirstTokens} sure tokens; "
            + $"KV at most {mostHeld:N0} of {Budget:N0} bytes; "
            + $"memory at most {early >> 20} MB in the first third, {late >> 20} MB in the last");
        Assert.Empty(problems);
        Assert.InRange(answered, 1, int.MaxValue);
        Assert.InRange(leastSame < 1 ? sameFirst : same, (int)Math.Ceiling(leastSame * answered), answered);
        Assert.InRange(mostHeld, Budget / 10, Budget);
        Assert.Equal((0, 0), (status.GetProperty("running").GetInt32(), status.GetProperty("waiting").GetInt32()));
        Assert.InRange(late, 0, early + MostBytesMore);
    }

    /// <summary>Beginnings of a text, of mixed lengths, and how each goes on by itself.</summary>
    private static async Task<(string Prompt, int Tokens, string Alone, string FirstAlone)[]> AloneAsync(
        ComputeMode compute, KvPolicy policy)
    {
        using Model model = Model.Load(s_model, new ModelOptions { Compute = compute });
        await using var engine = new EngineLoop(model, new EngineOptions { Policy = policy, PrefixBytes = 0 });
        int[] text = model.Tokenizer.Encode(await File.ReadAllTextAsync(Path.Combine(SharedData.ProjectRoot(), "docs/training.md")));
        var random = new Random(7);
        var questions = new (string, int, string, string)[Questions];
        for (int i = 0; i < Questions; i++)
        {
            int length = random.Next(4, MostPrompt), tokens = random.Next(4, MostReply);
            string prompt = model.Tokenizer.Decode(text.AsSpan(random.Next(text.Length - length), length));
            GenerationResult alone = await engine
                .Start(model.Tokenizer.Encode(prompt, addSpecial: true), new GenerationOptions { MaxTokens = tokens, TopLogprobs = 2 })
                .CompleteAsync();
            int sure = alone.Logprobs.TakeWhile(token => token.Top[0].Logprob - token.Top[1].Logprob > WideMargin).Count();
            // The last may be a part of a character, told with the next.
            int[] first = [.. alone.Ids.Take(Math.Max(1, Math.Min(sure, FirstTokens)) - 1)];
            string begins = model.Tokenizer.Decode(first).TrimEnd('\uFFFD');
            questions[i] = (prompt, tokens, alone.Text, alone.Text.StartsWith(begins, StringComparison.Ordinal) ? begins : "");
        }

        Assert.InRange(questions.Sum(question => question.Item4.Length), Questions * LeastFirst, int.MaxValue);
        return questions;
    }

    private static string Text(JsonElement reply) => reply.GetProperty("choices")[0].GetProperty("text").GetString()!;

    private static string Streamed(string events) => string.Concat(events.Split('\n')
        .Where(line => line.StartsWith("data: {", StringComparison.Ordinal))
        .Select(line => Text(JsonDocument.Parse(line["data: ".Length..]).RootElement)));
}
