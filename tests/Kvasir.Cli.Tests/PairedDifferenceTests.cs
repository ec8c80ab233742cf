namespace Kvasir.Cli.Tests;

/// <summary>Whether samples are enough for the difference that they show.</summary>
public class PairedDifferenceTests
{
    [Fact]
    public void Interval_is_that_of_students_t()
    {
        PairedDifference difference = PairedDifference.Of([1, 2, 3, 4, 6], [0, 0, 0, 0, 0]); // mean 3.2, deviation 1.9235, t(4) 2.7764
        Assert.Equal((3.2, 2.388), (difference.Mean, Math.Round(difference.HalfWidth, 3)));
        Assert.True(difference.IsClear);
        Assert.False(PairedDifference.Of([1, -2, 3, -1, 0.5], [0, 0, 0, 0, 0]).IsClear);
    }

    [Fact]
    public void Only_the_differences_count_and_not_how_much_both_vary() =>
        Assert.True(PairedDifference.Of([10.1, 2.12, 33.1, 4.09], [10, 2, 33, 4]).IsClear);

    [Theory]
    [InlineData(9, 2.262)]
    [InlineData(19, 2.093)]
    [InlineData(99, 1.984)]
    public void Quantile_beyond_the_table_is_right_to_three_digits(int freedom, double quantile)
    {
        double[] samples = [.. Enumerable.Range(0, freedom + 1).Select(i => (double)(i % 2))];
        double deviation = Math.Sqrt(samples.Sum(value => Math.Pow(value - samples.Average(), 2)) / freedom / samples.Length);
        Assert.Equal(quantile, PairedDifference.Of(samples, new double[samples.Length]).HalfWidth / deviation, 0.001);
    }

    [Fact]
    public void One_sample_tells_nothing_but_equality()
    {
        Assert.False(PairedDifference.Of([1], [0]).IsClear);
        Assert.True(PairedDifference.Of([1], [1]).IsClear);
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0, 5, false)]
    [InlineData(0, 6, true)]
    [InlineData(2, 9, false)]
    [InlineData(1, 9, true)]
    [InlineData(20, 20, false)]
    public void Sign_test_asks_for_enough_that_differ(int ownOnly, int otherOnly, bool clear)
    {
        Assert.Equal(clear, PairedDifference.IsClearSign(ownOnly, otherOnly));
        Assert.Equal(clear, PairedDifference.IsClearSign(otherOnly, ownOnly));
    }
}
