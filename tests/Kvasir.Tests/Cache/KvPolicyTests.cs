using Kvasir.Cache;
using Xunit;

namespace Kvasir.Tests.Cache;

public sealed class KvPolicyTests
{
    [Theory]
    [InlineData("", "k=f16,v=f16")]
    [InlineData("k=f32", "k=f32,v=f16")]
    [InlineData(" v=f32 , k=f32 ", "k=f32,v=f32")]
    [InlineData("residual=64", "k=f16,v=f16,residual=64")]
    public void A_policy_reads_back_as_it_prints(string text, string printed)
    {
        KvPolicy policy = KvPolicy.Parse(text);
        Assert.Equal(printed, policy.ToString());
        Assert.Equal(policy, KvPolicy.Parse(policy.ToString()));
    }

    [Theory]
    [InlineData("k", "k")]
    [InlineData("q=f16", "'q'")]
    [InlineData("k=f8", "k=f8")]
    [InlineData("k=f16,k=f32", "twice")]
    [InlineData("residual=20", "residual=20")]
    [InlineData("residual=-32", "residual=-32")]
    [InlineData("=f16", "=f16")]
    public void A_wrong_term_is_named(string text, string named) =>
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => KvPolicy.Parse(text)).Message, StringComparison.Ordinal);
}
