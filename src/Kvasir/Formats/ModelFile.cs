using Kvasir.Memory;

namespace Kvasir.Formats;

/// <summary>
/// A model as files give it: metadata under GGUF's keys and tensors under GGUF's names, whether it is a GGUF file
/// (one or split) or a Hugging Face folder whose config.json, tensor names and tokenizer.json are translated.
/// </summary>
public abstract class ModelFile : IDisposable
{
    /// <summary>The file or folder it was opened from.</summary>
    public abstract string Path { get; }

    /// <summary>What it is: <c>gguf</c> or <c>huggingface</c>.</summary>
    public string Kind => TokenizerJsonPath == null ? "gguf" : "huggingface";

    /// <summary>Metadata: string, bool, long (all integers; ulong beyond its range), double (all floats), or arrays of these.</summary>
    public abstract IReadOnlyDictionary<string, object> Metadata { get; }

    /// <summary>All tensors by name.</summary>
    public abstract IReadOnlyDictionary<string, Tensor> Tensors { get; }

    /// <summary>Whether rows of query and key are permuted for rotary pairs (2j, 2j + 1), as in Llama's GGUF; else (j, j + half).</summary>
    public abstract bool InterleavedRotary { get; }

    /// <summary>The tokenizer.json beside the weights, or null where the tokenizer stands in the metadata (GGUF).</summary>
    public abstract string? TokenizerJsonPath { get; }

    /// <summary>The files that hold the tensors and the configuration.</summary>
    internal virtual IReadOnlyList<string> SourceFiles => [Path];

    /// <summary>Opens a GGUF file (any part of a split one) or a Hugging Face folder.</summary>
    /// <exception cref="InvalidInputException">Not a model, truncated, damaged, or of an unknown kind.</exception>
    internal static ModelFile Open(string path, IArchitectureNames names)
    {
        if (Directory.Exists(path)) return HfFolder.Open(path, names);
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) && File.Exists(path))
            throw new InvalidInputException(
                $"{path}: a safetensors file alone is not a model; name the folder that holds it with its config.json");
        return GgufFile.Open(path, names);
    }

    /// <summary>The metadata value of <paramref name="key"/>, or <paramref name="fallback"/> where there is none.</summary>
    /// <exception cref="InvalidInputException">The value is of another type.</exception>
    public T Get<T>(string key, T fallback) => Metadata.TryGetValue(key, out object? value) ? Cast<T>(key, value) : fallback;

    /// <summary>The metadata value of <paramref name="key"/>.</summary>
    /// <exception cref="InvalidInputException">There is none or it is of another type.</exception>
    public T Require<T>(string key) =>
        Metadata.TryGetValue(key, out object? value)
            ? Cast<T>(key, value) : throw new InvalidInputException($"{Path}: metadata '{key}' is missing");

    /// <summary>The tensor <paramref name="name"/>.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public Tensor RequireTensor(string name) =>
        Tensors.TryGetValue(name, out Tensor? tensor) ? tensor : throw new InvalidInputException($"{Path}: tensor '{name}' is missing");

    /// <summary>Tells the operating system that a tensor's pages are not needed in memory for now (after packing).</summary>
    internal abstract void Release(Tensor tensor);

    /// <summary>Releases the pages of <paramref name="tensor"/> in that of <paramref name="files"/> that holds it, if any does.</summary>
    private protected static unsafe void Release(IEnumerable<MappedFile> files, Tensor tensor)
    {
        foreach (MappedFile file in files)
        {
            if (tensor.Data >= file.Pointer && tensor.Data < file.Pointer + file.Length)
                file.Release(tensor.Data - file.Pointer, tensor.ByteLength);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Unmaps the files; tensors are invalid afterwards.</summary>
    protected abstract void Dispose(bool disposing);

    private T Cast<T>(string key, object value) => value switch
    {
        T typed => typed,
        long number when typeof(T) == typeof(int) && number is >= int.MinValue and <= int.MaxValue => (T)(object)(int)number,
        long number when typeof(T) == typeof(float) => (T)(object)(float)number,
        double number when typeof(T) == typeof(float) => (T)(object)(float)number,
        long number when typeof(T) == typeof(double) => (T)(object)(double)number,
        _ => throw new InvalidInputException($"{Path}: metadata '{key}' is not a usable {typeof(T).Name}"),
    };
}
