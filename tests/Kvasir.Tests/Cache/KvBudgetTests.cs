using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

public sealed class KvBudgetTests
{
    [Theory]
    [InlineData("2GB", 2L << 30)]
    [InlineData("512MB", 512L << 20)]
    [InlineData("1.5kb", 1536)]
    [InlineData("7B", 7)]
    public void Sizes_are_read_in_powers_of_1024(string text, long bytes) => Assert.Equal(bytes, KvBudget.ParseBytes(text));

    [Theory]
    [InlineData("3bit")]
    [InlineData("25%")]
    [InlineData("0.5B")]
    [InlineData("-1GB")]
    [InlineData("99999999999GB")]
    [InlineData("GB")]
    [InlineData("")]
    public void What_is_no_size_is_named(string text) =>
        Assert.Contains($"'{text}'", Assert.Throws<InvalidInputException>(() => KvBudget.ParseBytes(text)).Message,
            StringComparison.Ordinal);
}
