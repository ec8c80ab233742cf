using Kvasir.Quantization;

namespace Kvasir.Cache;

/// <summary>
/// How a cache keeps its keys and values: a policy grammar, comma-separated <c>name=value</c> terms, and <c>auto:BUDGET</c>.
/// Policies that keep the same are equal.
/// </summary>
public sealed record KvPolicy
{
    private const int DefaultResidual = 32, DefaultSink = 32, LargestCount = 1 << 20;

    private static readonly string[] Terms =
        ["k", "v", "group", "scale", "residual", "sink", "auto", "profile", "thin", "steer", "steer-mode", .. EvictionPolicy.Terms];

    private readonly int? _residual, _sink;

    /// <summary>float16 keys and values, nothing evicted.</summary>
    public static KvPolicy Default { get; } = new();

    /// <summary>Codec of sealed keys: <c>f32</c>, <c>f16</c>, <c>q8</c>, <c>kivi4</c>, <c>kivi3</c> or <c>kivi2</c>.</summary>
    public string Keys { get; init; } = "f16";

    /// <summary>Codec of sealed values: as of keys.</summary>
    public string Values { get; init; } = "f16";

    /// <summary>Tokens of a channel that share a scale in quantised keys: 16 or 32.</summary>
    public int Group { get; init; } = QuantizedFormat.DefaultGroup;

    /// <summary>Bits in which quantised keys and values keep scale and minimum: 8 or 16 (32 for comparison with the reference).</summary>
    public int ScaleBits { get; init; } = QuantizedFormat.DefaultScaleBits;

    /// <summary>
    /// The newest tokens kept in float32, at least; a multiple of 32. 32 where something is quantised, else 0, unless given.
    /// </summary>
    public int Residual
    {
        get => _residual ?? (IsQuantized ? DefaultResidual : 0);
        init => _residual = value;
    }

    /// <summary>
    /// The first tokens, which stay in float16 where something is quantised (a multiple of 32, 32 unless given), whole where keys are thin
    /// (none unless given), and are never evicted (4 unless given).
    /// </summary>
    public int Sink
    {
        get => IsQuantized || (Thin is not null && Eviction is null)
            ? KvBlock.CountFor(_sink ?? UsualSink) * KvBlock.Tokens : _sink ?? UsualSink;
        init => _sink = value;
    }

    /// <summary>The budget under which <c>auto</c> chooses bits by layer and head; null where bits are given.</summary>
    public KvBudget? Auto { get; init; }

    /// <summary>
    /// The files that terms go by, joined by <c>+</c>, each for the term that its content is for: what <c>auto</c> chooses by (null for the
    /// one in the user's cache folder), the factors of thin keys, heads to steer.
    /// </summary>
    public string? Profile { get; init; }

    /// <summary>The files that <see cref="Profile"/> names.</summary>
    public IReadOnlyList<string> Profiles => Profile is null ? [] : File.Exists(Profile) ? [Profile] : Profile.Split('+');

    /// <summary>How thin keys are; null for whole ones.</summary>
    public ThinKeys? Thin { get; init; }

    /// <summary>
    /// What attention is steered to; null for nothing. It is about how keys are read, so it is no part of what a cache or a file says that
    /// it keeps; what was computed under it is kept for others only as far as it makes no difference.
    /// </summary>
    public SteeringPolicy? Steering { get; init; }

    /// <summary>Which tokens stay; null where all do.</summary>
    public EvictionPolicy? Eviction { get; init; }

    /// <summary>Whether keys or values are kept in less than 16 bits.</summary>
    public bool IsQuantized => Auto is not null || IsQuantizedName(Keys) || IsQuantizedName(Values);

    /// <summary>The policy without its steering: what a cache keeps to.</summary>
    internal KvPolicy Unsteered => Steering is null ? this : this with { Steering = null };

    /// <summary>What <c>auto</c> chose, by layer and head; null before it has.</summary>
    internal HeadFormats? Chosen { get; init; }

    /// <summary>How a prompt is kept while it is read: nothing is quantised before it is known what stays.</summary>
    internal KvPolicy WhileReading => Eviction is null or { EvictsPrompts: false } ? this
        : new KvPolicy { Keys = Keys == "f32" ? "f32" : "f16", Values = Values == "f32" ? "f32" : "f16" };

    /// <summary>
    /// The longest sequence: under a budget of bytes any, where keys are rotated and so can be moved; else the model's context.
    /// </summary>
    internal int LongestSequence(KvLayout layout, int contextLength) =>
        Eviction?.Budget is null || layout.Layers.Any(layer => layer.Rotary is null) ? contextLength : int.MaxValue / 2;

    private int UsualSink => IsQuantized ? DefaultSink : Eviction is null ? 0 : EvictionPolicy.DefaultSink;

    /// <summary>Parses a policy such as <c>k=kivi4,v=kivi2,residual=64</c>.</summary>
    /// <exception cref="InvalidInputException">An unknown, impossible or out-of-range term, which the message names.</exception>
    public static KvPolicy Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        KvPolicy policy = Default;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string term in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int end = term.IndexOfAny(['=', ':']);
            if (end <= 0 || (term[end] == ':' && !term.StartsWith("auto:", StringComparison.Ordinal)))
                throw new InvalidInputException($"KV policy: '{term}' is not of the form name=value (as in k=kivi4,v=kivi4)");
            (string name, string value) = (term[..end], term[(end + 1)..]);
            if (!seen.Add(name)) throw new InvalidInputException($"KV policy: '{name}' is given twice");
            policy = name switch
            {
                "k" => policy with { Keys = Codec(name, value) },
                "v" => policy with { Values = Codec(name, value) },
                "group" => policy with { Group = OneOf(name, value, 16, 32) },
                "scale" => policy with { ScaleBits = OneOf(name, value, 8, 16) },
                "residual" =>
                    policy with
                    {
                        Residual = Count(name, value) is var count && count % KvBlock.Tokens == 0
                        ? count : throw OutOfRange(name, value, $"must be a multiple of {KvBlock.Tokens}")
                    },
                "sink" => policy with { Sink = Count(name, value) },
                "auto" => policy with { Auto = KvBudget.Parse(value) },
                "thin" => policy with { Thin = ThinKeys.Parse(value) },
                "profile" =>
                    policy with
                    {
                        Profile = value.Split('+').All(path => path.Length > 0)
                        ? value : throw OutOfRange(name, value, "must be a path, or several joined by +")
                    },
                "steer" or "steer-mode" => policy with { Steering = SteeringPolicy.Read(policy.Steering, name, value) },
                _ when EvictionPolicy.Terms.Contains(name, StringComparer.Ordinal) =>
                    policy with { Eviction = (policy.Eviction ?? new EvictionPolicy()).With(name, value) },
                _ => throw new InvalidInputException($"KV policy: unknown term '{name}' (known: {string.Join(", ", Terms)})"),
            };
        }
        policy.CheckCombination(seen);
        return policy;
    }

    /// <inheritdoc/>
    public bool Equals(KvPolicy? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <summary>The policy in its grammar; what is as by default or plays no part is left out.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Auto is null ? $"k={Keys},v={Values}" : $"auto:{Auto}");
        if (Auto is null && IsQuantizedName(Keys)) Add("group", Group, QuantizedFormat.DefaultGroup);
        if (IsQuantized) Add("scale", ScaleBits, QuantizedFormat.DefaultScaleBits);
        if (Thin is not null) text.Append(",thin=").Append(Thin);
        Add("residual", Residual, IsQuantized ? DefaultResidual : 0);
        if (IsQuantized || Thin is not null || Eviction is not null) Add("sink", Sink, UsualSink);
        if (Eviction is not null) text.Append(',').Append(Eviction);
        if (Steering is not null) text.Append(',').Append(Steering);
        if (Profile is not null) text.Append(",profile=").Append(Profile);
        return text.ToString();

        void Add(string name, int value, int usual)
        {
            if (value != usual) text.Append(CultureInfo.InvariantCulture, $",{name}={value}");
        }
    }

    /// <summary>
    /// Whether what is kept under this policy may be encoded anew as <paramref name="target"/> says: from float32 to anything, from float16
    /// to anything but float32, from quantised codes only to the same. What one encoding has lost would otherwise pass for exact under
    /// another name.
    /// </summary>
    public bool CanBecome(KvPolicy target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (Auto is not null || Equals(target)) return Equals(target);
        bool sameCells = target.Auto is null && (ScaleBits, Sink) == (target.ScaleBits, target.Sink);
        bool sameKeys = Thin == target.Thin && sameCells && Group == target.Group;
        if (Thin is not null && (Thin != target.Thin || Sink != target.Sink)) return false;
        if (Thin != target.Thin && IsQuantizedName(Keys)) return false;
        return Part(Keys, target.Keys, sameKeys) && Part(Values, target.Values, sameCells);

        bool Part(string kept, string wanted, bool same) =>
            IsQuantizedName(kept) ? same && kept == wanted : kept == "f32" || target.Auto is not null || wanted != "f32";
    }

    /// <summary>How one kv head of one layer is encoded.</summary>
    internal HeadCodec HeadCodec(KvLayout layout, int layer, int head)
    {
        if (Auto is not null && Chosen is null)
            throw new InvalidInputException(
                $"KV policy {this}: the bits are not chosen yet for this model; Model.Prepare(policy) gives the policy that a cache can "
                + "be made with");
        (string keys, string values) = Chosen?[layer, head] ?? (FileName(Keys, Group), FileName(Values, QuantizedFormat.DefaultGroup));
        BlockCodec rest = BlockCodec(layout, layer, head, keys, values),
            first = layout.Codecs.Block(layout.Layers[layer], InSink(keys), InSink(values));
        return new HeadCodec(first, rest, Sink, Residual);
    }

    /// <summary>A codec of one kv head, whose keys are thin where the policy says so.</summary>
    internal BlockCodec BlockCodec(KvLayout layout, int layer, int head, string keys, string values) =>
        layout.Codecs.Block(layout.Layers[layer], layer, head, Thin?.CodecName(layer, head, keys) ?? keys, values);

    private static bool IsQuantizedName(string codec) => QuantizedFormat.Names.Contains(codec, StringComparer.Ordinal);

    /// <summary>What stands in the sink where the rest is kept as <paramref name="fileName"/>.</summary>
    private static string InSink(string fileName) => QuantizedFormat.Parse(fileName) is null ? fileName : "f16";

    private string FileName(string codec, int group) =>
        IsQuantizedName(codec) ? new QuantizedFormat(codec == "q8" ? 8 : codec[^1] - '0', group, ScaleBits).ToString() : codec;

    private void CheckCombination(HashSet<string> given)
    {
        if (Auto is not null && (given.Contains("k") || given.Contains("v")))
            throw new InvalidInputException("KV policy: auto chooses the codecs of keys and values; leave k and v out");
        Steering?.Check();
        Eviction?.Check();
        if (given.Contains("profile") && Auto is null && Thin is null && Steering is not { Heads: null } && Eviction?.UsesProfile != true)
            throw new InvalidInputException(
                "KV policy: a profile belongs to auto, thin, evict=prefixkv, or steer without heads (as in auto:3bit,profile=FILE)");
        if (!IsQuantized && (given.Contains("scale") || (given.Contains("sink") && Thin is null && Eviction is null)))
            throw new InvalidInputException(
                $"KV policy: '{(given.Contains("scale") ? "scale" : "sink")}' belongs to quantised codecs "
                + $"({string.Join(", ", QuantizedFormat.Names)})");
        if (given.Contains("group") && Auto is null && !IsQuantizedName(Keys))
            throw new InvalidInputException("KV policy: 'group' belongs to quantised keys (as in k=kivi2,group=16)");
        if (given.Contains("group") && Auto is not null)
            throw new InvalidInputException("KV policy: auto chooses the groups; leave group out");
    }

    private static string Codec(string name, string value) =>
        value is "f32" or "f16" || IsQuantizedName(value) ? value
            : throw new InvalidInputException(
            $"KV policy: {name}={value} is unknown (known: f32, f16, {string.Join(", ", QuantizedFormat.Names)})");

    private static int OneOf(string name, string value, int small, int large) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && (number == small || number == large)
            ? number : throw OutOfRange(name, value, $"must be {small} or {large}");

    internal static int Count(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= LargestCount
            ? count : throw OutOfRange(name, value, $"must be a number of tokens, at most {LargestCount}");

    private static InvalidInputException OutOfRange(string name, string value, string rule) => new($"KV policy: {name}={value} {rule}");
}
