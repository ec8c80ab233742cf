using Kvasir.Cache;

namespace Kvasir.Tests.Cache;

public sealed class KvPolicyTests
{
    [Theory]
    [InlineData("", "k=f16,v=f16")]
    [InlineData("k=f32", "k=f32,v=f16")]
    [InlineData(" v=f32 , k=f32 ", "k=f32,v=f32")]
    [InlineData("residual=64", "k=f16,v=f16,residual=64")]
    [InlineData("k=kivi2,v=kivi4,group=16,scale=16,residual=0,sink=0", "k=kivi2,v=kivi4,group=16,scale=16,residual=0,sink=0")]
    [InlineData("k=kivi4,v=q8,group=32,scale=8,residual=32,sink=32", "k=kivi4,v=q8")]
    [InlineData("v=kivi3,sink=4", "k=f16,v=kivi3")]
    [InlineData("v=kivi3,sink=33", "k=f16,v=kivi3,sink=64")]
    [InlineData("auto:3bit", "auto:3bit")]
    [InlineData("auto=25%", "auto:25%")]
    [InlineData("auto:512MB,sink=0,profile=a.json", "auto:512MB,sink=0,profile=a.json")]
    [InlineData("residual=64,auto:12.5%", "auto:12.5%,residual=64")]
    [InlineData("evict=keydiff:50%", "k=f16,v=f16,evict=keydiff:50%")]
    [InlineData("evict=prefixkv:20%,score=received,sizing=ada,sink=0,recent=0",
        "k=f16,v=f16,sink=0,evict=prefixkv:20%,sizing=ada,recent=0")]
    [InlineData("k=kivi4,v=kivi4,evict=kvzip:12.5%,sizing=uniform", "k=kivi4,v=kivi4,evict=kvzip:12.5%,sizing=uniform")]
    [InlineData("evict=fastgen:.95", "k=f16,v=f16,evict=fastgen:0.95")]
    [InlineData("evict=fastgen:.94,score=reconstruction", "k=f16,v=f16,evict=fastgen:0.94,score=reconstruction")]
    [InlineData("evict=prefixkv:20%,decode=slide,profile=p.json,sink=4", "k=f16,v=f16,evict=prefixkv:20%,decode=slide,profile=p.json")]
    [InlineData("evict=streaming,budget=64MB,recent=64", "k=f16,v=f16,evict=streaming,recent=64,budget=64MB")]
    public void A_policy_reads_back_as_it_prints(string text, string printed)
    {
        KvPolicy policy = KvPolicy.Parse(text);
        Assert.Equal(printed, policy.ToString());
        Assert.Equal(policy, KvPolicy.Parse(policy.ToString()));
    }

    [Fact]
    public void Terms_that_play_no_part_are_not_printed()
    {
        foreach (KvPolicy policy in new[]
        {
            KvPolicy.Default with { Group = 16, ScaleBits = 16, Sink = 64 },
            KvPolicy.Parse("v=kivi4") with { Group = 16 },
            KvPolicy.Parse("auto:3bit") with { Group = 16 },
        })
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
    [InlineData("k=kivi5", "k=kivi5")]
    [InlineData("k=kivi4,group=64", "group=64")]
    [InlineData("k=kivi4,scale=32", "scale=32")]
    [InlineData("v=kivi4,group=16", "'group'")]
    [InlineData("scale=16", "'scale'")]
    [InlineData("sink=32", "'sink'")]
    [InlineData("k=kivi4,sink=-1", "sink=-1")]
    [InlineData("auto:3bit,k=kivi4", "auto")]
    [InlineData("auto:3bit,group=16", "group")]
    [InlineData("auto:3", "'3'")]
    [InlineData("auto:0bit", "'0bit'")]
    [InlineData("k:kivi4", "k:kivi4")]
    [InlineData("k=kivi4,profile=a.json", "profile")]
    [InlineData("evict=keydif:50%", "evict=keydif")]
    [InlineData("evict=keydiff", "share")]
    [InlineData("evict=keydiff:0%", "keydiff:0%")]
    [InlineData("evict=keydiff:101%", "keydiff:101%")]
    [InlineData("evict=keydiff:50", "keydiff:50")]
    [InlineData("evict=keydiff:NaN%", "NaN")]
    [InlineData("evict=fastgen:95%", "fastgen:95%")]
    [InlineData("evict=fastgen:1.5", "fastgen:1.5")]
    [InlineData("evict=fastgen:.9,score=tova", "fastgen")]
    [InlineData("evict=fastgen:.9,score=reconstruction,sizing=ada", "sizing")]
    [InlineData("evict=h2o:50%,score=none", "score=none")]
    [InlineData("evict=h2o:50%,sizing=none", "sizing=none")]
    [InlineData("evict=h2o:50%,decode=never", "decode=never")]
    [InlineData("evict=h2o:50%,decode=1", "decode=1")]
    [InlineData("evict=h2o:50%,decode=slide", "decode=slide")]
    [InlineData("evict=h2o:50%,profile=a.json", "profile")]
    [InlineData("evict=streaming", "budget")]
    [InlineData("score=tova", "evict")]
    [InlineData("recent=8", "evict")]
    public void A_wrong_term_is_named(string text, string named) =>
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => KvPolicy.Parse(text)).Message, StringComparison.Ordinal);
}
