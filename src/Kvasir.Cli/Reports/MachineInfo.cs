namespace Kvasir.Cli.Reports;

/// <summary>What a measurement ran on, in words.</summary>
internal sealed record MachineInfo(string Model, string ModelDetails, string Processor, string System)
{
    public static MachineInfo Describe(Model model, ModelOptions options)
    {
        ModelConfig config = model.Config;
        string threads = options.Threads > 0 ? Units.Count(options.Threads, "thread") : "one thread per physical core";
        return new MachineInfo(
            Models.LocalModel.NameOf(model.Path),
            $"{config.Architecture}, {Units.Count(config.Layers, "layer")}, {config.KvHeads} key-value heads of {config.HeadDim} "
                + $"channels, {Units.Bytes(model.WeightBytes)} of weights, {(options.Compute == ComputeMode.Int8 ? "int8" : "float32")} "
                + "activations",
            $"{ProcessorName()}, {Environment.ProcessorCount} logical cores, {threads}",
            $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}, "
                + $"{RuntimeInformation.FrameworkDescription}, Kvasir {typeof(MachineInfo).Assembly.GetName().Version!.ToString(3)}");
    }

    private static string ProcessorName()
    {
        const string cpuInfo = "/proc/cpuinfo";
        if (OperatingSystem.IsLinux() && File.Exists(cpuInfo))
        {
            string? line = File.ReadLines(cpuInfo).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
            if (line is not null && line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon) return line[(colon + 1)..].Trim();
        }

        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
