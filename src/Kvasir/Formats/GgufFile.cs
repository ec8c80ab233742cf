using System.Text.RegularExpressions;
using Kvasir.Memory;

namespace Kvasir.Formats;

/// <summary>A model in GGUF, mapped: one file, or all parts of a split one (<c>name-00001-of-00003.gguf</c>) from any of them.</summary>
internal sealed partial class GgufFile : ModelFile
{
    private const string SplitCount = "split.count", SplitNumber = "split.no", SplitTensors = "split.tensors.count";

    private readonly List<MappedFile> _parts = [];
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private readonly IArchitectureNames _names;

    private GgufFile(string path, IArchitectureNames names) => (Path, _names) = (path, names);

    public override string Path { get; }

    public override IReadOnlyDictionary<string, object> Metadata => MetadataOfFirst;

    public override IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    public override bool InterleavedRotary => Metadata.GetValueOrDefault("general.architecture") is string name && _names.Interleaves(name);

    public override string? TokenizerJsonPath => null;

    internal override IReadOnlyList<string> SourceFiles => [.. _parts.Select(part => part.Path)];

    private Dictionary<string, object> MetadataOfFirst { get; set; } = [];

    /// <exception cref="InvalidInputException">Not a usable GGUF file, or a part of a split one is missing or does not fit.</exception>
    public static new GgufFile Open(string path, IArchitectureNames names)
    {
        var file = new GgufFile(path, names);
        try
        {
            file.OpenParts();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    internal override void Release(Tensor tensor) => Release(_parts, tensor);

    protected override void Dispose(bool disposing)
    {
        foreach (MappedFile part in _parts) part.Dispose();
        _parts.Clear();
    }

    private void OpenParts()
    {
        GgufHeader header = Map(Path);
        MetadataOfFirst = header.Metadata;
        if (Get(SplitCount, 1L) is var count and > 1)
        {
            OpenSplit(count);
            return;
        }
        Add(header, Path);
    }

    private void OpenSplit(long count)
    {
        Match name = SplitName().Match(Path);
        if (!name.Success || long.Parse(name.Groups["count"].ValueSpan, CultureInfo.InvariantCulture) != count)
            throw new InvalidInputException(
                $"{Path}: one of {count} parts of a split model; the parts must be named like name-00001-of-{count:D5}.gguf");
        foreach (MappedFile part in _parts) part.Dispose();
        _parts.Clear();
        for (int number = 0; number < count; number++)
        {
            string path = string.Create(
                CultureInfo.InvariantCulture, $"{name.Groups["stem"].ValueSpan}-{number + 1:D5}-of-{count:D5}.gguf");
            if (!File.Exists(path))
                throw new InvalidInputException(
                    $"{path} does not exist: {Path} is one of {count} parts of a split model, which must lie together");
            GgufHeader header = Map(path);
            if (header.Metadata.GetValueOrDefault(SplitNumber) is not long found || found != number
                || header.Metadata.GetValueOrDefault(SplitCount) is not long countFound || countFound != count)
                throw new InvalidInputException($"{path}: not part {number + 1} of {count} of a split model, though its name says so");
            if (number == 0) MetadataOfFirst = header.Metadata;
            Add(header, path);
        }
        if (Get(SplitTensors, (long)_tensors.Count) is var expected && expected != _tensors.Count)
            throw new InvalidInputException(
                $"{Path}: the parts of this split model hold {_tensors.Count} tensors where {expected} are promised");
    }

    private GgufHeader Map(string path)
    {
        var file = MappedFile.Open(path);
        _parts.Add(file);
        return GgufHeader.Read(file);
    }

    private void Add(GgufHeader header, string path)
    {
        foreach ((string name, Tensor tensor) in header.Tensors)
        {
            if (!_tensors.TryAdd(name, tensor))
                throw new InvalidInputException($"{path}: tensor '{name}' also stands in another part of this split model");
        }
    }

    [GeneratedRegex(@"^(?<stem>.*)-(?<number>[0-9]{5})-of-(?<count>[0-9]{5})\.gguf$", RegexOptions.IgnoreCase | RegexOptions.Singleline,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex SplitName();
}
