namespace Kvasir.Formats;

/// <summary>One tensor as <see cref="FileContents"/> lists it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The element type as its format names it.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Bytes">Length in bytes.</param>
public sealed record StoredTensor(string Name, string Type, IReadOnlyList<long> Shape, long Bytes);

/// <summary>What a GGUF file, a safetensors file or a Hugging Face folder holds, without its data.</summary>
/// <param name="Kind"><c>gguf</c>, <c>safetensors</c> or <c>huggingface</c> (whose keys and names are given in GGUF's terms).</param>
/// <param name="Metadata">Metadata, as in <see cref="ModelFile.Metadata"/>.</param>
/// <param name="Tensors">All tensors, in the order of the file.</param>
public sealed record FileContents(string Kind, IReadOnlyDictionary<string, object> Metadata, IReadOnlyList<StoredTensor> Tensors)
{
    /// <summary>Reads the headers of a file or folder.</summary>
    /// <exception cref="InvalidInputException">Missing, truncated, damaged, or of an unknown kind.</exception>
    public static FileContents Read(string path)
    {
        if (File.Exists(path) && path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            using var file = SafetensorsFile.Open(path);
            return new FileContents("safetensors",
                file.Metadata.ToDictionary(pair => pair.Key, object (pair) => pair.Value, StringComparer.Ordinal),
                [.. file.Tensors.Values.OrderBy(tensor => tensor.Offset).Select(tensor => new StoredTensor(tensor.Name, tensor.Type, tensor.Shape, tensor.ByteLength))]);
        }
        using ModelFile model = ModelFile.Open(path);
        return new FileContents(model.Kind, model.Metadata,
            [.. model.Tensors.Values.Select(tensor => new StoredTensor(tensor.Name, tensor.Type.ToString(), tensor.Shape, tensor.ByteLength))]);
    }
}
