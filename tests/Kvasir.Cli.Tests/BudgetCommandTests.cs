using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>Commands under a budget of keys and values.</summary>
public class BudgetCommandTests
{
    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    [SkippableFact]
    public void Batch_benchmark_fits_every_policy_under_the_budget()
    {
        JsonElement[] rows = Rows(
            "bench", "--kv-budget", "3MB", "--depth", "200,0", "--gen", "4", "--repeat", "1", "--kv", "k=f16,v=f16", "--kv",
            "k=kivi2,v=kivi2,residual=0,sink=0");
        Assert.Equal(4, rows.Length);
        foreach (JsonElement row in rows)
        {
            int sequences = row.GetProperty("sequences").GetInt32();
            long bytes = row.GetProperty("kvBytes").GetInt64();
            Assert.Equal($"b{sequences}-tg4", row.GetProperty("test").GetString());
            Assert.InRange(bytes, 1, 3 << 20);
            Assert.Equal(bytes / sequences, row.GetProperty("kvBytesPerSequence").GetInt64());
            Assert.True(row.GetProperty("peakBytes").GetInt64() > bytes);
            Assert.True(row.GetProperty("tokensPerSecond").GetDouble() > 0);
        }
        Assert.True(rows[1].GetProperty("sequences").GetInt32() > 2 * rows[0].GetProperty("sequences").GetInt32());
        Assert.Equal([200, 200, 0, 0], rows.Select(row => row.GetProperty("depth").GetInt32()));
    }

    [SkippableTheory]
    [InlineData("3", null, 3)]
    [InlineData("3", "1GB", 3)]
    [InlineData("50", "500KB", 5)]
    public void Batch_is_as_large_as_asked_where_it_fits(string batch, string? budget, int sequences)
    {
        string[] limit = budget is null ? [] : ["--kv-budget", budget];
        JsonElement row = Assert.Single(Rows(["bench", "--batch", batch, .. limit, "--depth", "100", "--gen", "2", "--repeat", "1"]));
        Assert.Equal((sequences, $"b{sequences}-tg2"), (row.GetProperty("sequences").GetInt32(), row.GetProperty("test").GetString()));
    }

    [SkippableFact]
    public void Every_benchmark_row_has_the_peak_of_the_process() =>
        Assert.All(Rows("bench", "--prompt", "8", "--gen", "4", "--repeat", "1"), row =>
            Assert.True(row.GetProperty("peakBytes").GetInt64() > 1 << 20));

    [SkippableTheory]
    [InlineData("--kv-budget", "--kv-budget", "25%")]
    [InlineData("--kv-budget", "--kv-budget", "0.5B")]
    [InlineData("--batch", "--batch", "0")]
    [InlineData("--batch", "--batch", "many")]
    [InlineData("--kv-budget", "--batch", "auto")]
    [InlineData("--prompt", "--batch", "2", "--prompt", "8")]
    [InlineData("10 tokens", "--kv-budget", "1KB", "--depth", "6", "--gen", "4")]
    public void Impossible_batch_is_refused(string named, params string[] arguments) =>
        Invocation.Of(["bench", .. arguments, "--model", Tiny]).IsRefused(named);

    [SkippableFact]
    public void Prompt_that_the_budget_cannot_hold_is_refused_with_what_it_can()
    {
        string ids = string.Join(',', Enumerable.Range(1, 400).Select(id => id % 300));
        Invocation.Of("complete", "--ids", ids, "--kv-budget", "200KB", "--model", Tiny)
            .IsRefused("the prompt has 400 tokens, but the KV budget holds ");
        Invocation.Of("complete", "--ids", "1,2,3", "--kv-budget", "2KB", "--model", Tiny).IsRefused("holds 0;");
        Invocation.Of("complete", "--ids", ids, "--kv-budget", "2MB", "--max-tokens", "2", "--ignore-end", "--json", "--model", Tiny)
            .IsDone();
        Invocation.With("Hello\n", "chat", "--kv-budget", "50KB", "--model", SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"))
            .IsRefused("KV budget");
    }

    [SkippableFact]
    public void Answer_that_outgrows_the_budget_ends_with_a_line()
    {
        Invocation ended = Invocation.Of(
            "complete", "--ids", "1,2,3", "--kv-budget", "100KB", "--max-tokens", "1000", "--ignore-end", "--model", Tiny);
        Assert.Equal(1, ended.Code);
        Assert.Single(ended.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("KV budget of 102,400 bytes is used up", ended.Error, StringComparison.Ordinal);
    }

    private static JsonElement[] Rows(params string[] arguments)
    {
        Invocation done = Invocation.Of([.. arguments, "--json", "--threads", "1", "--model", Tiny]).IsDone();
        return [.. done.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
