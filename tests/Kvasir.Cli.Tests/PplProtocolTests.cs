namespace Kvasir.Cli.Tests;

public class PplProtocolTests
{
    [Fact]
    public void Whole_windows_follow_one_another_from_the_start() =>
        Assert.Equal([0, 100, 200], new PplProtocol(100, null, null, 3, null).Places(1000, 512, "t"));

    [Fact]
    public void Without_a_number_all_whole_windows_are_taken() =>
        Assert.Equal(9, new PplProtocol(100, null, null, null, null).Places(999, 512, "t").Count);

    [Fact]
    public void Prefilled_windows_lie_evenly_and_need_one_token_more_than_they_feed()
    {
        var protocol = new PplProtocol(null, 50, 20, 4, null);
        Assert.Equal(71, protocol.Length);
        Assert.Equal([0, 250, 500, 750], protocol.Places(1000, 70, "t"));
    }

    [Fact]
    public void Starts_are_taken_as_told() =>
        Assert.Equal([5, 400, 3], new PplProtocol(100, null, null, null, "5,400,3").Places(500, 512, "t"));

    [Theory]
    [InlineData(null, 99)]
    [InlineData("401", 500)]
    [InlineData("2147483647", 500)]
    public void Windows_that_pass_the_end_are_refused(string? starts, int tokens) =>
        Assert.Throws<InvalidInputException>(() => new PplProtocol(100, null, null, null, starts).Places(tokens, 512, "t"));

    [Fact]
    public void Windows_beyond_the_context_are_refused() =>
        Assert.Throws<InvalidInputException>(() => new PplProtocol(100, null, null, null, null).Places(1000, 99, "t"));
}
