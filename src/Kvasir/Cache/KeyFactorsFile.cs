using Kvasir.Formats;

namespace Kvasir.Cache;

/// <summary>
/// Factors of thin keys in a safetensors file: for each layer and kv head <c>blk.L.H.down</c> [rank, head size], <c>blk.L.H.up</c> [head
/// size, rank] and, where it is not 0, <c>blk.L.H.mean</c> [head size], in float32 or float16; as metadata <c>kind</c>
/// (<c>kvasir-factors</c>), <c>version</c>, the <c>model</c>'s identity, the <c>method</c>, <c>rotation</c> (whether the factors are of
/// keys
/// <c>before</c> or <c>after</c> theirs), and <c>identity</c>, SHA-256 over all of it (<see cref="KeyFactors.Identity"/>), which is the
/// checksum too.
/// </summary>
internal static class KeyFactorsFile
{
    public const string Kind = "kvasir-factors";

    private const string Version = "1", Remedy = "kvasir factor makes one";

    private const int HeaderStart = sizeof(ulong);

    /// <summary>Whether a file begins as a safetensors file does.</summary>
    public static bool IsSafetensors(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[HeaderStart + 1];
            return SafetensorsFile.BeginsSo(start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)]);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidInputException($"{path}: the profile cannot be read ({problem.Message})", problem);
        }
    }

    /// <exception cref="InvalidInputException">It cannot be read, is damaged, or belongs to another model.</exception>
    public static KeyFactors Read(string path, string model, KvLayout layout)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (Text("kind") != Kind) throw new InvalidInputException($"{path}: not a file of factors; {Remedy}");
        if (Text("version") != Version)
            throw DamagedFile.Error(
                path, $"factors of version {Text("version")}, this build reads version {Version}; make them anew with kvasir factor");
        if (Text("model") != model)
            throw DamagedFile.Error(
                path, $"factors of another model ({ModelIdentity.Short(Text("model"))}, "
                + $"the loaded one is {ModelIdentity.Short(model)}); make them anew with kvasir "
                + $"factor");
        bool before = Text("rotation") switch
        {
            "before" => true,
            "after" => false,
            string other => throw DamagedFile.Error(path, $"damaged factors (rotation '{other}')"),
        };
        var factors = new KeyFactors(
            model, Text("method"),
            [.. layout.Layers.Select(
            (layer, l) => (IReadOnlyList<HeadFactors>)[.. Enumerable.Range(0, layer.KvHeads).Select(
            h => Head(file, $"blk.{l}.{h}.", before, layer.KeyChannels))])]);
        if (factors.Misfit(layout) is string misfit)
            throw new InvalidInputException($"{path}: factors that do not fit the model ({misfit})");
        return factors.Identity == Text("identity") ? factors :
            throw new InvalidInputException($"{path}: damaged factors (the checksum differs); make them anew with kvasir factor");

        string Text(string key) => file.Metadata.GetValueOrDefault(key, "");
    }

    /// <param name="path">The file.</param>
    /// <param name="factors">The factors.</param>
    /// <param name="tuned">Further tensors: weights that were tuned with the factors.</param>
    /// <exception cref="InvalidInputException">It cannot be written.</exception>
    public static void Write(string path, KeyFactors factors, IEnumerable<(string Name, long[] Shape, float[] Values)>? tuned = null)
    {
        var writer = new SafetensorsWriter
        {
            Metadata =
            {
                ["kind"] = Kind,
                ["version"] = Version,
                ["model"] = factors.Model,
                ["method"] = factors.Method,
                ["rotation"] = factors.Layers[0][0].BeforeRotation ? "before" : "after",
                ["identity"] = factors.Identity,
            },
        };
        foreach ((int l, IReadOnlyList<HeadFactors> heads) in factors.Layers.Index())
            foreach ((int h, HeadFactors head) in heads.Index())
            {
                writer.Add($"blk.{l}.{h}.down", [head.Rank, head.Channels], head.Down);
                writer.Add($"blk.{l}.{h}.up", [head.Channels, head.Rank], head.Up);
                if (head.Mean.Length > 0) writer.Add($"blk.{l}.{h}.mean", [head.Channels], head.Mean);
            }
        foreach ((string name, long[] shape, float[] values) in tuned ?? []) writer.Add(name, shape, values);
        try
        {
            writer.Write(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidInputException($"{path}: the factors cannot be written ({problem.Message})", problem);
        }
    }

    private static HeadFactors Head(SafetensorsFile file, string name, bool before, int channels)
    {
        SafetensorsEntry down = file.Tensors.GetValueOrDefault(name + "down") ??
            throw new InvalidInputException($"{file.Path}: damaged factors (tensor '{name}down' is missing)");
        int rank = down.Shape is [var rows, var columns] && columns == channels && rows > 0 && rows <= channels
            ? (int)rows
            : throw new InvalidInputException(
                $"{file.Path}: factors that do not fit the model (tensor '{name}down' is [{string.Join(", ", down.Shape)}] where keys "
                + $"have {channels} numbers)");
        return new HeadFactors(
            before, channels, Floats("down", rank * channels), Floats("up", channels * rank), file.Tensors.ContainsKey(name + "mean")
            ? Floats("mean", channels) : []);

        float[] Floats(string part, int count)
        {
            float[] values = file.Floats(name + part);
            return values.Length == count && values.All(float.IsFinite) ? values :
                throw new InvalidInputException($"{file.Path}: damaged factors (tensor '{name}{part}' is not {count} finite numbers)");
        }
    }
}
