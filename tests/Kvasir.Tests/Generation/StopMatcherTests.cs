using Kvasir.Generation;

namespace Kvasir.Tests.Generation;

public class StopMatcherTests
{
    [Fact]
    public void Without_stop_strings_text_passes_at_once() => Assert.Equal("abc", new StopMatcher([]).Add("abc"));

    [Fact]
    public void Text_that_may_become_a_stop_string_is_held_back()
    {
        var matcher = new StopMatcher(["END"]);
        Assert.Equal("a", matcher.Add("aE"));
        Assert.Equal("", matcher.Add("N"));
        Assert.Equal("ENx", matcher.Add("x"));
        Assert.False(matcher.Stopped);
    }

    [Fact]
    public void Held_text_comes_out_at_the_end()
    {
        var matcher = new StopMatcher(["END"]);
        matcher.Add("EN");
        Assert.Equal("EN", matcher.Finish());
    }

    [Fact]
    public void However_the_text_is_cut_it_ends_at_the_first_stop_string()
    {
        var random = new Random(5);
        for (int round = 0; round < 2000; round++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => (char)('a' + random.Next(3)))]);
            string stop = new([.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => (char)('a' + random.Next(3)))]);
            var matcher = new StopMatcher([stop]);
            string given = "";
            for (int at = 0; at < text.Length;)
            {
                int length = Math.Min(random.Next(1, 6), text.Length - at);
                given += matcher.Add(text.Substring(at, length));
                at += length;
            }

            given += matcher.Finish();
            int expected = text.IndexOf(stop, StringComparison.Ordinal);
            Assert.Equal(expected < 0 ? text : text[..expected], given);
            Assert.Equal(expected >= 0, matcher.Stopped);
        }
    }
}
