namespace Kvasir.Cache;

/// <summary>A budget for keys and values: bits per value, a share of float16, or bytes for a full context.</summary>
/// <param name="Amount">How much.</param>
/// <param name="Unit">Of what.</param>
public sealed record KvBudget(double Amount, KvBudgetUnit Unit)
{
    /// <summary>Parses <c>3bit</c>, <c>25%</c> or <c>512MB</c> (KB, MB, GB: powers of 1024).</summary>
    /// <exception cref="InvalidInputException">Anything else, which the message names.</exception>
    public static KvBudget Parse(string text) =>
        Find(text)
            ?? throw new InvalidInputException(
            $"'{text}' is no budget (give bits per value, a share of float16 or bytes, as in 3bit, 25% or 512MB)");

    /// <summary>Parses a number of bytes: <c>512MB</c> or <c>2GB</c>.</summary>
    /// <exception cref="InvalidInputException">Anything else, which the message names.</exception>
    public static long ParseBytes(string text) =>
        Find(text) is { Unit: KvBudgetUnit.Bytes, Amount: >= 1 } budget
            ? (long)budget.Amount : throw new InvalidInputException($"'{text}' is no size (give bytes, as in 512MB or 2GB)");

    /// <summary>The budget as <see cref="Parse"/> reads it.</summary>
    public override string ToString()
    {
        (string suffix, double factor, _) =
            Suffixes.First(entry => entry.Unit == Unit && Amount % entry.Factor == 0 || entry.Unit == Unit && entry.Factor == 1);
        return (Amount / factor).ToString(CultureInfo.InvariantCulture) + suffix;
    }

    /// <summary>
    /// Bytes that sealed blocks of 32 tokens may take, those of all layers and heads together. A budget in bits or percent is for the
    /// sealed blocks themselves; one in bytes is for everything that a full context holds, sink and tail in their largest state included.
    /// </summary>
    internal double BlockBytes(KvLayout layout, int contextLength, KvPolicy policy)
    {
        double blockBytesF16 = (double)layout.BytesPerTokenF16 * KvBlock.Tokens;
        if (Unit != KvBudgetUnit.Bytes) return blockBytesF16 * (Unit == KvBudgetUnit.Share ? Amount / 100 : Amount / 16);
        int blocks = Math.Max(contextLength - policy.Residual, 0) / KvBlock.Tokens,
            sinkBlocks = Math.Min(policy.Sink / KvBlock.Tokens, blocks), tailBlocks = policy.Residual / KvBlock.Tokens + 1;
        double rest = Amount - layout.Layers.Sum(layer =>
            layer.KvHeads * ((double)sinkBlocks * layout.Codecs.Block(layer, "f16", "f16").Bytes
                + (double)tailBlocks * KvTail.BlockBytes(layer)));
        return blocks > sinkBlocks ? rest / (blocks - sinkBlocks) : rest;
    }

    private static KvBudget? Find(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach ((string suffix, double factor, KvBudgetUnit unit) in Suffixes)
            if (text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture, out double amount)
                && amount > 0 && amount * factor < long.MaxValue)
                return new KvBudget(amount * factor, unit);
        return null;
    }

    private static readonly (string Suffix, double Factor, KvBudgetUnit Unit)[] Suffixes =
    [
        ("bit", 1, KvBudgetUnit.BitsPerValue), ("%", 1, KvBudgetUnit.Share), ("GB", 1 << 30, KvBudgetUnit.Bytes),
            ("MB", 1 << 20, KvBudgetUnit.Bytes), ("KB", 1 << 10, KvBudgetUnit.Bytes), ("B", 1, KvBudgetUnit.Bytes),
    ];
}

/// <summary>What a <see cref="KvBudget"/> is counted in.</summary>
public enum KvBudgetUnit
{
    /// <summary>Bits per value, scales and minima included.</summary>
    BitsPerValue,

    /// <summary>Percent of float16.</summary>
    Share,

    /// <summary>Bytes.</summary>
    Bytes,
}
