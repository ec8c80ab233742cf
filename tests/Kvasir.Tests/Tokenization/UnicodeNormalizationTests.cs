using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

public class UnicodeNormalizationTests
{
    // Source, NFC, NFD: after the examples of Unicode Standard Annex 15 and its test file.
    [Theory]
    [InlineData("\u00C5", "\u00C5", "A\u030A")]
    [InlineData("\u212B", "\u00C5", "A\u030A")]
    [InlineData("\u2126", "\u03A9", "\u03A9")]
    [InlineData("\u1E9B\u0323", "\u1E9B\u0323", "\u017F\u0323\u0307")]
    [InlineData("s\u0323\u0307", "\u1E69", "s\u0323\u0307")]
    [InlineData("s\u0307\u0323", "\u1E69", "s\u0323\u0307")]
    [InlineData("\u1E0B\u0323", "\u1E0D\u0307", "d\u0323\u0307")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307")]
    [InlineData("\uD55C\uAE00", "\uD55C\uAE00", "\u1112\u1161\u11AB\u1100\u1173\u11AF")]
    [InlineData("\u1112\u1161\u11AB", "\uD55C", "\u1112\u1161\u11AB")]
    [InlineData("\uD558\u11AB", "\uD55C", "\u1112\u1161\u11AB")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165", "\U0001D157\U0001D165")]
    [InlineData("\U000114B9\U000114BA", "\U000114BB", "\U000114B9\U000114BA")]
    [InlineData("\u0344", "\u0308\u0301", "\u0308\u0301")]
    [InlineData("a\u0315\u0300\u05AE\u0300b", "\u00E0\u05AE\u0300\u0315b", "a\u05AE\u0300\u0300\u0315b")]
    [InlineData("\u0F71\u0F72\u0F73", "\u0F71\u0F71\u0F72\u0F72", "\u0F71\u0F71\u0F72\u0F72")]
    [InlineData("\uFB01", "\uFB01", "\uFB01")]
    [InlineData("plain", "plain", "plain")]
    public void Forms_are_as_in_the_standard(string source, string composed, string decomposed)
    {
        Assert.Equal(composed, UnicodeNormalization.Compose(source).ToString());
        Assert.Equal(decomposed, UnicodeNormalization.Decompose(source).ToString());
        Assert.Equal(composed, UnicodeNormalization.Compose(decomposed).ToString());
        Assert.Equal(decomposed, UnicodeNormalization.Decompose(composed).ToString());
    }

    [Fact]
    public void Normalising_twice_changes_nothing_more()
    {
        var random = new Random(3);
        for (int round = 0; round < 2000; round++)
        {
            string text = RandomText.Unicode(random, random.Next(1, 30)) + RandomText.Mixed(random, 6);
            string composed = UnicodeNormalization.Compose(text).ToString();
            string decomposed = UnicodeNormalization.Decompose(text).ToString();
            Assert.Equal(composed, UnicodeNormalization.Compose(composed).ToString());
            Assert.Equal(composed, UnicodeNormalization.Compose(decomposed).ToString());
            Assert.Equal(decomposed, UnicodeNormalization.Decompose(composed).ToString());
        }
    }
}
