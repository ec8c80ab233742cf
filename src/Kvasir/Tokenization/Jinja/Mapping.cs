using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>A dictionary in the order of insertion. Keys are strings, numbers, booleans, None, tuples; filled once, then read.</summary>
internal sealed class Mapping
{
    private readonly OrderedDictionary<object, object?> _entries = new(KeyComparer.Instance);

    public int Count => _entries.Count;

    public IEnumerable<object?> Keys => _entries.Keys.Select(FromKey);

    public IEnumerable<object?> Values => _entries.Values;

    public IEnumerable<KeyValuePair<object?, object?>> Entries =>
        _entries.Select(entry => KeyValuePair.Create(FromKey(entry.Key), entry.Value));

    /// <summary>Each entry as a tuple.</summary>
    public IEnumerable<object?> Pairs => Entries.Select(entry => (object?)Sequence.Tuple(entry.Key, entry.Value));

    public static Mapping Of(IEnumerable<KeyValuePair<string, object?>> entries)
    {
        var mapping = new Mapping();
        foreach ((string name, object? value) in entries) mapping.Set(name, value);
        return mapping;
    }

    public void Set(object? key, object? value) => _entries[ToKey(key)] = value;

    public bool TryGet(object? key, [MaybeNullWhen(true)] out object? value) => _entries.TryGetValue(ToKey(key), out value);

    /// <summary>Whether a value can be a key: lists and dictionaries cannot.</summary>
    public static bool IsKey(object? key) =>
        IsSimple(key) || (key is Sequence { Kind: SequenceKind.Tuple, Items.Count: < 100 } tuple && tuple.Items.All(IsSimple));

    private static bool IsSimple(object? key) => key is null or string or long or BigInteger or double or bool or Undefined or Callable;

    private static object ToKey(object? key) => key is null ? NoneKey.Instance
        : IsKey(key) ? key
        : throw new InvalidInputException($"{Operations.TypeName(key)} cannot be the key of a dictionary");

    private static object? FromKey(object key) => key is NoneKey ? null : key;

    private sealed class NoneKey
    {
        public static readonly NoneKey Instance = new();
    }

    /// <summary>1, 1.0 and True are the same key, as in Python.</summary>
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? x, object? y) => x is string or NoneKey ? x.Equals(y) : Operations.AreEqual(null, x, y);

        public int GetHashCode(object obj) => obj switch
        {
            Undefined => 0,
            Sequence tuple => tuple.Items.Aggregate(7, (hash, item) => HashCode.Combine(hash, item is null ? 0 : GetHashCode(item))),
            double number when double.IsInteger(number) => new BigInteger(number).GetHashCode(),
            // The runtime's own hash lets a template choose a hundred thousand numbers that share one.
            double number when BitConverter.DoubleToInt64Bits(number) is var bits => HashCode.Combine((int)(bits >> 32), (int)bits),
            _ when Numbers.TryInteger(obj, out BigInteger integer) => integer.GetHashCode(),
            _ => obj.GetHashCode(),
        };
    }
}
