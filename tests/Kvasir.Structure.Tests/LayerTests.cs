using System.Text.RegularExpressions;

namespace Kvasir.Structure.Tests;

/// <summary>A folder uses only what stands above it in the tables of docs/architecture.md.</summary>
public sealed partial class LayerTests
{
    private static readonly LayerMap Map = LayerMap.Read(File.ReadAllText(Path.Combine(SharedData.ProjectRoot(), "docs/architecture.md")));

    [Fact]
    public void Folders_use_only_what_stands_above_them_in_the_map()
    {
        string[] found = [.. CompiledUses().Concat(ConstantUses()).Select(Violation).OfType<string>().Distinct()];
        AssertNone("against the order of docs/architecture.md", found);
    }

    [Fact]
    public void The_map_names_every_folder_with_source_and_no_other()
    {
        IEnumerable<string> folders = SourceFile.All("src").Select(file => string.Join('/', file.Path.Split('/')[..^1].Take(3))).Distinct();
        Assert.Equal(folders.Order(StringComparer.Ordinal), Map.Layers.Where(layer => !layer.Folder.Contains('/'))
            .Select(layer => layer.ToString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_use_against_the_order_is_seen_wherever_it_hides()
    {
        IReadOnlySet<TypeUse> uses = AssemblyUses.Read(typeof(LayerTests).Assembly.Location);
        Assert.Equal(
            ["InArgument", "InAttribute", "InBase", "InCatch", "InConstraint", "InField", "InLambda", "InLocal", "InNested", "InReturned",
                "InSignature", "Open"],
            uses.Where(use => use.Used.Contains(".Secret", StringComparison.Ordinal)).Select(use => use.User.Split('.')[^1]).Distinct()
                .Order(StringComparer.Ordinal));
    }

    private static void AssertNone(string what, IEnumerable<string> lines) =>
        Assert.True(!lines.Any(), $"{what}:\n{string.Join('\n', lines)}");

    private static string? Violation(TypeUse use) =>
        Map.Of(use.UserNamespace) is { } user && Map.Of(use.UsedNamespace) is { } used && !Map.Allows(user, used)
            ? $"{user}: {use.User.Split('.')[^1]} uses {use.Used.Split('.')[^1]} of {used}"
            : null;

    private static IEnumerable<TypeUse> CompiledUses() => Map.Layers.Select(layer => layer.Project).Distinct()
        .SelectMany(project => AssemblyUses.Read(Path.Combine(AppContext.BaseDirectory, project + ".dll")));

    /// <summary>Constants are copied by the compiler, so only the source tells who reads them.</summary>
    private static IEnumerable<TypeUse> ConstantUses()
    {
        Dictionary<string, string> owners = Map.Layers.Select(layer => layer.Project).Distinct()
            .SelectMany(project => AssemblyUses.Constants(Path.Combine(AppContext.BaseDirectory, project + ".dll")))
            .GroupBy(constant => constant.Text).Where(same => same.Count() == 1)
                .ToDictionary(same => same.Key, same => same.Single().Owner);
        return from file in SourceFile.All("src")
               let space = Namespace().Match(file.Text).Groups[1].Value
               from Match match in Member().Matches(file.Text)
               where owners.ContainsKey(match.Value)
               select new TypeUse($"{space}.{Path.GetFileNameWithoutExtension(file.Path)}", owners[match.Value]);
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"(?<![\w.])[A-Z]\w*\.[A-Z]\w*", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Member();
}
