using System.Diagnostics.CodeAnalysis;

namespace Kvasir.Tokenization.Jinja;

/// <summary>A dictionary in the order of insertion. Keys are strings, numbers, booleans or None; filled once, then only read.</summary>
internal sealed class Mapping
{
    private readonly OrderedDictionary<object, object?> _entries = new(KeyComparer.Instance);

    public int Count => _entries.Count;

    public IEnumerable<object?> Keys => _entries.Keys.Select(FromKey);

    public IEnumerable<object?> Values => _entries.Values;

    public IEnumerable<KeyValuePair<object?, object?>> Entries => _entries.Select(entry => KeyValuePair.Create(FromKey(entry.Key), entry.Value));

    public void Set(object? key, object? value) => _entries[ToKey(key)] = value;

    public bool TryGet(object? key, [MaybeNullWhen(true)] out object? value)
    {
        if (IsKey(key))
        {
            return _entries.TryGetValue(ToKey(key), out value);
        }

        value = null;
        return false;
    }

    private static bool IsKey(object? key) => key is null or string or long or double or bool;

    private static object ToKey(object? key) => key is null
        ? NoneKey.Instance
        : IsKey(key) ? key : throw new InvalidInputException($"{Operations.TypeName(key)} cannot be the key of a dictionary");

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

        public int GetHashCode(object obj) => Operations.TryNumber(obj, out double number) ? number.GetHashCode() : obj.GetHashCode();
    }
}
