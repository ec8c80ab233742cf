using Kvasir.Cli.Models;
using Kvasir.Numerics;

namespace Kvasir.Cli.Measuring;

/// <summary>What of a machine matters for speed and for what can be done on it.</summary>
internal sealed record MachineReport
{
    private const string CpuFile = "/proc/cpuinfo";

    public required string Cpu { get; init; }

    /// <summary>The one that is taken.</summary>
    public required string KernelPath { get; init; }

    /// <summary>All that this CPU has, slowest first.</summary>
    public required IReadOnlyList<string> KernelPaths { get; init; }

    public required int Cores { get; init; }

    public required int Threads { get; init; }

    public required string Runtime { get; init; }

    /// <summary>What this process may use.</summary>
    public required long MemoryBytes { get; init; }

    public required double MemoryGigabytesPerSecond { get; init; }

    public required IReadOnlyList<string> ModelFolders { get; init; }

    /// <summary>The models that are taken where none is named.</summary>
    public required LocalModel? Model { get; init; }

    /// <inheritdoc cref="Model"/>
    public required LocalModel? Encoder { get; init; }

    /// <summary>Tokens a second that reading the weights alone would allow; null without a model.</summary>
    public required double? DecodeLimit { get; init; }

    public required StoreSummary? Store { get; init; }

    /// <summary>What would make it faster or better, most useful first.</summary>
    public required IReadOnlyList<string> Advice { get; init; }

    public static MachineReport Make(ModelFolders folders, string store)
    {
        List<LocalModel> models = [.. new LocalModels(folders).List()];
        LocalModel? model = models.Find(found => found.Kind == ModelKind.Chat),
            encoder = models.Find(found => found.Kind == ModelKind.Embedding);
        int cores = PhysicalCores.Count();
        double speed = MemorySpeed.Measure(cores);
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        KernelPath path = Numerics.KernelPaths.Choose();
        return new MachineReport
        {
            Cpu = CpuName(),
            KernelPath = Shown(path),
            KernelPaths = [.. Numerics.KernelPaths.Supported.Select(Shown)],
            Cores = cores,
            Threads = cores,
            Runtime = $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}",
            MemoryBytes = memory,
            MemoryGigabytesPerSecond = Units.Rounded(speed / 1e9, 1),
            ModelFolders = folders.Folders,
            Model = model,
            Encoder = encoder,
            DecodeLimit = model is { Bytes: > 0 } ? Units.Rounded(speed / model.Bytes, 0) : null,
            Store = StoreSummary.Of(store),
            Advice = [.. AdviceFor(path, model, encoder, memory)],
        };
    }

    private static IEnumerable<string> AdviceFor(KernelPath path, LocalModel? model, LocalModel? encoder, long memory)
    {
        if (model is null || DemonstrationModel.Is(model.Path))
            yield return Pull("a language model that knows more than the built-in one:", Catalog.BetterName);
        if (encoder is null) yield return Pull("a sentence encoder finds passages that say it in other words:", Catalog.DefaultEncoder);
        if (path != Numerics.KernelPaths.Supported[^1])
            yield return $"{Numerics.KernelPaths.Variable} holds the kernels to {Shown(path)}; without it they take "
                + $"{Shown(Numerics.KernelPaths.Supported[^1])}";
        if (path < Numerics.KernelPath.NeonDot)
            yield return "this CPU has none of the vector instructions that the fast kernels are written for (AVX2, AVX-512, Arm's dot "
                + "products)";
        if (model is not null && model.Bytes > memory / 2)
            yield return $"{model.Name} takes more than half of the memory: --kv k=kivi4,v=kivi4 leaves more of it for long texts";
    }

    private static string Pull(string what, string name) =>
        $"{what} '{TypedCommand.Program} models pull {name}' ({Catalog.Require(name).Megabytes} MB)";

    private static string Shown(KernelPath path) => path.ToString().ToLowerInvariant();

    private static string CpuName()
    {
        try
        {
            if (File.Exists(CpuFile)
                && File.ReadLines(CpuFile).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line)
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Its name is only for people.
        }

        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? $"{RuntimeInformation.ProcessArchitecture}";
    }
}

/// <summary>A store, in short.</summary>
internal sealed record StoreSummary(string Folder, int Documents, long KvBytes)
{
    /// <summary>Null where there is none, or it cannot be read.</summary>
    public static StoreSummary? Of(string folder)
    {
        try
        {
            using DocumentStore store = DocumentStore.Open(folder);
            StoreStatistics numbers = store.Statistics();
            return new StoreSummary(folder, numbers.Documents, numbers.Kv.Sum(kv => kv.Bytes));
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }
}
