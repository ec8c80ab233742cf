using Kvasir.Tokenization;
using Kvasir.Training.Demonstration;

namespace Kvasir.Documents.Tests;

public sealed class DemonstrationPromptTests : LibraryFixture
{
    private static readonly PromptFrame s_frame = PromptFrame.Of(new ChatTemplate(DemonstrationPrompt.ChatTemplate));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_document_that_is_asked_gives_the_prompt_that_was_trained_on(int passages)
    {
        var model = new FakeModel { Frame = s_frame, UsualQuotes = 2 };
        using DocumentLibrary library = Open(model, chunkTokens: passages == 1 ? 320 : 16);
        library.Ingest([Path.Combine(Documents, "cats.txt")]);
        Answer answer = library.Ask("Why do cats purr?", new AskOptions { Passages = passages });
        answer.Complete();
        string[] best = [.. answer.Sources.Select(source => source.Text).Reverse()];
        var example = new DemonstrationExample("cats", best, [new Exchange("Why do cats purr?", "nobody knows")]);
        PromptSegment[] segments = [.. DemonstrationPrompt.Segments(example)];
        PromptSegment[] prompt = [.. segments.Where(segment => !segment.IsAnswer)];
        Assert.Equal(passages, best.Length);
        Assert.Equal(prompt.SelectMany(segment => model.Encode(segment.Text, segment.HasSpecial)), model.LastPrompt);
        Assert.Equal(string.Concat(prompt.Select(segment => segment.Text)), model.Decode(model.LastPrompt));
        Assert.Equal(" nobody knows<|endoftext|>", string.Concat(segments[prompt.Length..].Select(segment => segment.Text)));
    }

    [Fact]
    public void A_conversation_goes_on_with_the_same_frame() => Assert.Equal(
        "<|endoftext|>Who?\nAnswer: Ada<|endoftext|>When?\nAnswer:",
        new ChatTemplate(DemonstrationPrompt.ChatTemplate).Render(
            [new ChatMessage("user", "Who?"), new ChatMessage("assistant", "Ada"), new ChatMessage("user", "When?")]));
}
