using System.Security.Cryptography;
using Kvasir.Formats;

namespace Kvasir.Models;

/// <summary>
/// W_Q and W_K of a model whose key factors were fine-tuned. They take the place of the model's own in sequences that are kept by these
/// factors: <c>blk.L.query</c> and <c>blk.L.key</c> in the factors' file, float32 or float16.
/// </summary>
internal sealed class TunedProjections
{
    private const string Mark = ", tuned ";

    private readonly (Linear Query, Linear Key)[] _layers;

    private TunedProjections((Linear Query, Linear Key)[] layers) => _layers = layers;

    public Linear Query(int layer) => _layers[layer].Query;

    public Linear Key(int layer) => _layers[layer].Key;

    /// <summary>
    /// The name of a method whose factors were tuned: it carries what the weights hash to, and so do the factors' identity and caches.
    /// </summary>
    /// <param name="method">The method before.</param>
    /// <param name="weights">Query and key of every layer, as they are written.</param>
    public static string NameMethod(string method, IEnumerable<float[]> weights)
    {
        int mark = method.IndexOf(Mark, StringComparison.Ordinal);
        return (mark < 0 ? method : method[..mark]) + Mark
            + Hash(weights.Select(values => MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));
    }

    /// <summary>Those of a file of factors made by <paramref name="method"/>; null where they were not tuned.</summary>
    /// <exception cref="InvalidInputException">They do not fit the model, or are damaged.</exception>
    public static TunedProjections? Read(string path, string method, ModelWeights weights, TransformerSpec spec, int width)
    {
        int mark = method.IndexOf(Mark, StringComparison.Ordinal);
        if (mark < 0) return null;
        using SafetensorsFile file = SafetensorsFile.Open(path);
        string[] names = [.. Enumerable.Range(0, spec.Layers.Count)
            .SelectMany(layer => new[] { $"blk.{layer}.query", $"blk.{layer}.key" })];
        if (Hash(names.Select(name => file.Bytes(name).ToArray())) != method[(mark + Mark.Length)..])
            throw new InvalidInputException(
                $"{path}: damaged factors (the tuned weights have another checksum); make them anew with kvasir factor");
        return new TunedProjections([.. spec.Layers.Select((layer, index) =>
            (Pack($"blk.{index}.query", layer.Heads * layer.KeySize), Pack($"blk.{index}.key", layer.KvHeads * layer.KeySize)))]);

        unsafe Linear Pack(string name, int rows)
        {
            SafetensorsEntry entry = file.Tensors[name];
            if (SafetensorsFile.FloatType(entry.Type) is not { } type || !entry.Shape.SequenceEqual([rows, width]))
                throw new InvalidInputException(
                    $"{path}: tuned weights that do not fit the model ('{name}' is not [{rows}, {width}] of floats)");
            var tensor = new Tensor(name, type, entry.Shape, file.File.Pointer + entry.Offset, entry.ByteLength);
            return new Linear(weights.Pack(tensor), null);
        }
    }

    private static string Hash(IEnumerable<byte[]> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] bytes in tensors) hash.AppendData(bytes);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }
}
