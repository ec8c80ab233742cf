using System.Globalization;

namespace Kvasir.Cache;

/// <summary>How a cache keeps its keys and values: the policy grammar of <c>--kv</c>, comma-separated <c>name=value</c> terms.</summary>
public sealed record KvPolicy
{
    private static readonly string[] Codecs = ["f32", "f16"];

    /// <summary>float16 keys and values, nothing evicted.</summary>
    public static KvPolicy Default { get; } = new();

    /// <summary>Codec of sealed keys: <c>f32</c> or <c>f16</c>.</summary>
    public string Keys { get; init; } = "f16";

    /// <summary>Codec of sealed values: <c>f32</c> or <c>f16</c>.</summary>
    public string Values { get; init; } = "f16";

    /// <summary>The newest tokens kept in float32, at least; a multiple of 32.</summary>
    public int Residual { get; init; }

    /// <summary>Parses a policy such as <c>k=f16,v=f16</c>. Two policies that keep the same are equal.</summary>
    /// <exception cref="InvalidInputException">An unknown, impossible or out-of-range term, which the message names.</exception>
    public static KvPolicy Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        KvPolicy policy = Default;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string term in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int equals = term.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) throw new InvalidInputException($"--kv: '{term}' is not of the form name=value (as in k=f16,v=f16)");
            (string name, string value) = (term[..equals], term[(equals + 1)..]);
            if (!seen.Add(name)) throw new InvalidInputException($"--kv: '{name}' is given twice");
            policy = name switch
            {
                "k" => policy with { Keys = Codec(name, value) },
                "v" => policy with { Values = Codec(name, value) },
                "residual" => policy with { Residual = ParseResidual(value) },
                _ => throw new InvalidInputException($"--kv: unknown term '{name}' (known: k, v, residual)"),
            };
        }
        return policy;
    }

    /// <summary>The policy in its grammar.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"k={Keys},v={Values}") + (Residual > 0 ? string.Create(CultureInfo.InvariantCulture, $",residual={Residual}") : "");

    private static string Codec(string name, string value) =>
        Codecs.Contains(value, StringComparer.Ordinal) ? value : throw new InvalidInputException($"--kv: {name}={value} is unknown (known: {string.Join(", ", Codecs)})");

    private static int ParseResidual(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int residual) && residual % KvBlock.Tokens == 0 && residual <= 1 << 20
            ? residual
            : throw new InvalidInputException($"--kv: residual={value} must be a multiple of {KvBlock.Tokens}, at most {1 << 20}");
}
