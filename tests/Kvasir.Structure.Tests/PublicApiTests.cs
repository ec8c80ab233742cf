using System.Reflection;

namespace Kvasir.Structure.Tests;

/// <summary>
/// What a user of the libraries can call changes only on purpose: with <c>KVASIR_ACCEPT_API=1</c> the lists are written anew.
/// </summary>
public sealed class PublicApiTests
{
    [Theory]
    [InlineData("Kvasir")]
    [InlineData("Kvasir.Vision")]
    [InlineData("Kvasir.Documents")]
    [InlineData("Kvasir.Extensions.AI")]
    [InlineData("Kvasir.Server")]
    public void The_public_surface_is_the_one_that_is_checked_in(string library)
    {
        string path = Path.Combine(SharedData.ProjectRoot(), $"tests/Kvasir.Structure.Tests/{library}.api.txt");
        string now = PublicApi.Of(Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, library + ".dll")));
        if (Environment.GetEnvironmentVariable("KVASIR_ACCEPT_API") == "1") File.WriteAllText(path, now);
        string[] before = File.ReadAllText(path).ReplaceLineEndings("\n").TrimEnd('\n').Split('\n'), after = now.TrimEnd('\n').Split('\n');
        string[] changes = [.. before.Except(after).Select(line => "- " + line), .. after.Except(before).Select(line => "+ " + line)];
        Assert.True(before.SequenceEqual(after),
            $"{library} has another public surface (see CONTRIBUTING.md, Checks):\n{string.Join('\n', changes)}");
    }
}
