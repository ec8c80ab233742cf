using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>The time to the first token behind stored KV.</summary>
public class StoredBenchTests
{
    private static string Tiny => SharedData.Require("models/tiny/tiny-llama3.gguf");

    [SkippableFact]
    public void Every_way_to_the_first_token_has_a_row()
    {
        JsonElement[] rows = Rows("--stored", "600", "--repair", "off,32,15%", "--repeat", "2");
        string[] stored = [.. rows.Skip(1).Select(row => $"{row.GetProperty("test").GetString()} {row.GetProperty("repair").GetString()}")];
        Assert.Equal("recompute", rows[0].GetProperty("test").GetString());
        Assert.Equal(1, rows[0].GetProperty("speedup").GetDouble());
        Assert.Equal(["warm off", "warm 32", "warm 15%"], stored.Take(3));
        if (OperatingSystem.IsLinux()) Assert.Equal(["cold off", "cold 32", "cold 15%"], stored.Skip(3));
        Assert.All(rows, row =>
            Assert.Equal((600, 32, "k=kivi4,v=kivi4"),
                (row.GetProperty("tokens").GetInt32(), row.GetProperty("question").GetInt32(), row.GetProperty("kv").GetString())));
        Assert.All(rows, row => Assert.True(row.GetProperty("seconds").GetDouble() > 0 && row.GetProperty("cpuSeconds").GetDouble() > 0));
        Assert.All(rows.Skip(1), row => Assert.InRange(row.GetProperty("loadedBytes").GetInt64(), 600 * 10, 600 * 10_000));
        Assert.All(rows.Skip(1), row => Assert.InRange(row.GetProperty("allocatedBytes").GetInt64(), 1, 1 << 20));
    }

    [SkippableFact]
    public void Contexts_and_policies_are_all_measured()
    {
        JsonElement[] rows = Rows("--stored", "40,10", "--kv", "k=f16,v=f16", "--kv", "k=kivi2,v=kivi2", "--repeat", "1");
        Assert.Equal(
            [(40, "k=f16,v=f16"), (40, "k=kivi2,v=kivi2"), (10, "k=f16,v=f16"), (10, "k=kivi2,v=kivi2")],
            rows.Where(row => row.GetProperty("test").GetString() == "warm")
                .Select(row => (row.GetProperty("tokens").GetInt32(), row.GetProperty("kv").GetString()!)));
    }

    [SkippableTheory]
    [InlineData("--stored 0", "--stored", "64,0")]
    [InlineData("--stored", "--stored", "many")]
    [InlineData("--depth", "--stored", "64", "--depth", "5")]
    [InlineData("--repeat", "--stored", "64", "--repeat", "0")]
    [InlineData("repair=all", "--stored", "64", "--repair", "all")]
    [InlineData("repair=101%", "--stored", "64", "--repair", "off,101%")]
    [InlineData("--repair", "--repair", "32")]
    public void Test_that_cannot_be_is_refused(string named, params string[] arguments) =>
        Invocation.Of(["bench", .. arguments, "--model", Tiny]).IsRefused(named);

    private static JsonElement[] Rows(params string[] arguments)
    {
        Invocation done = Invocation.Of(["bench", .. arguments, "--json", "--threads", "1", "--model", Tiny]).IsDone();
        return [.. done.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
