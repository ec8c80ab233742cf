using Kvasir.Documents.Chunking;

namespace Kvasir.Documents.Tests;

public class ChunkerTests
{
    private static readonly FakeModel s_model = new();

    private static int Count(string text)
    {
        lock (s_model)
        {
            return s_model.Encode(text, parseSpecial: false).Length;
        }
    }

    private static string[] Split(string text, int maxTokens = 16) =>
        [.. new Chunker(maxTokens, Count).Split(text).Select(chunk => text.Substring(chunk.Start, chunk.Length))];

    private static string Words(int count, string word = "word") => string.Join(' ', Enumerable.Range(0, count).Select(i => word + i));

    [Fact]
    public void Text_that_fits_is_one_chunk() =>
        Assert.Equal(["One paragraph.\n\nAnother one. With two sentences."], Split("One paragraph.\n\nAnother one. With two sentences."));

    [Fact]
    public void Paragraphs_are_cut_before_sentences() =>
        Assert.Equal([Words(8) + ". " + Words(3) + ".\n\n", Words(9) + "."], Split(Words(8) + ". " + Words(3) + ".\n\n" + Words(9) + "."));

    [Fact]
    public void Long_paragraph_is_cut_between_sentences()
    {
        string sentence = char.ToUpperInvariant('w') + Words(9)[1..] + ". ";
        Assert.Equal([sentence, sentence, sentence.TrimEnd()], Split((sentence + sentence + sentence).TrimEnd()));
    }

    [Fact]
    public void Heading_is_not_left_alone()
    {
        string[] chunks = Split("Heading\n\n" + "W" + Words(9)[1..] + ". W" + Words(9)[1..] + ".");
        Assert.StartsWith("Heading\n\nWord0", chunks[0], StringComparison.Ordinal);
        Assert.EndsWith(". ", chunks[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Abbreviation_does_not_end_a_sentence()
    {
        string text = Words(6) + " by Dr. Smith " + Words(4) + ". " + "N" + Words(12);
        Assert.Equal(Words(6) + " by Dr. Smith " + Words(4) + ". ", Split(text)[0]);
    }

    [Fact]
    public void Long_sentence_is_cut_between_words() => Assert.All(Split(Words(100)), chunk => Assert.Matches(@"^word\d+.*\d ?$", chunk));

    [Fact]
    public void Single_long_word_is_cut_inside()
    {
        string[] chunks = Split(new string('x', 1000));
        Assert.True(chunks.Length > 1);
        Assert.Equal(1000, chunks.Sum(chunk => chunk.Length));
    }

    [Fact]
    public void Too_small_a_limit_is_refused() => Assert.Throws<InvalidInputException>(() => new Chunker(3, Count));

    [Fact]
    public void Chunks_cover_any_text_within_the_limit()
    {
        string[] parts = [" ", "\n", "\n\n", ". ", "! ", "word", "Ünïcode", "日本語の文。", "😀", "👩‍🚀", "\ud83d\ude00", "x", "1.5", "e.g.", "\t",
            new string('y', 60)];
        var random = new Random(5);
        for (int round = 0; round < 400; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 120)).Select(_ => parts[random.Next(parts.Length)]));
            int limit = random.Next(16, 40);
            List<Chunk> chunks = new Chunker(limit, Count).Split(text);
            int at = 0;
            foreach (Chunk chunk in chunks)
            {
                Assert.Equal(at, chunk.Start);
                Assert.True(chunk.Length > 0);
                at = chunk.End;
                Assert.True(at == text.Length || !char.IsLowSurrogate(text[at])
                    || !char.IsHighSurrogate(text[at - 1]), "a surrogate pair was cut");
                Assert.InRange(chunk.Tokens, 0, limit);
                Assert.Equal(Count(Chunker.PromptText(text.AsSpan(chunk.Start, chunk.Length))), chunk.Tokens);
            }

            Assert.Equal(text.Length, at);
        }
    }

    [Fact]
    public void Long_text_is_cut_in_linear_time()
    {
        int counted = 0;
        string text = string.Concat(Enumerable.Range(0, 4000).Select(i => $"Sentence number {i} says a few things. "));
        List<Chunk> chunks = new Chunker(256, part => { counted += part.Length; return Count(part); }).Split(text);
        Assert.InRange(chunks.Count, 50, 250);
        Assert.InRange(counted, 0, text.Length * 40);
    }
}
