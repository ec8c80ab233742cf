using Kvasir.Documents.Answering;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Chunking;
using Kvasir.Tokenization;
using Kvasir.Training.Data;

namespace Kvasir.Training.Demonstration;

/// <summary>
/// An example as <c>ask</c> puts it to the built-in model, cut where <c>ask</c> cuts it, and its answer, which alone is learned. The answer
/// begins with a blank, so that its tokens are those that stand in the passage.
/// </summary>
internal static class DemonstrationPrompt
{
    /// <summary>The built-in model's chat template: the end of text begins a user's turn and ends an answer.</summary>
    public const string ChatTemplate =
        "{% for message in messages %}{% if message.role == 'assistant' %} {{ message.content }}{% else %}" + BpeVocabulary.EndOfText
        + "{{ message.content }}\nAnswer:{% endif %}{% endfor %}";

    private static readonly PromptFrame s_frame = PromptFrame.Of(new ChatTemplate(ChatTemplate));

    public static IEnumerable<PromptSegment> Segments(DemonstrationExample example) =>
    [
        new(s_frame.Prefix, HasSpecial: true),
        .. example.Passages.Select(passage => new PromptSegment(Chunker.PromptText(passage), HasSpecial: false)),
        .. example.Exchanges.SelectMany(exchange => Segments(exchange, example.Passages)),
    ];

    /// <summary>The end of an answer is the beginning of what is asked next.</summary>
    private static IEnumerable<PromptSegment> Segments(Exchange exchange, IEnumerable<string> passages) =>
    [
        .. QuotedSentences.Find(passages, exchange.Question, ModelAnswers.TinyQuotes)
            .Select(quote => new PromptSegment(Chunker.PromptText(quote), HasSpecial: false)),
        new(new AskOptions().Asked(exchange.Question), HasSpecial: false),
        new(s_frame.Suffix, HasSpecial: true),
        new(" " + exchange.Answer, HasSpecial: false, IsAnswer: true),
        new(BpeVocabulary.EndOfText, HasSpecial: true, IsAnswer: true),
    ];

    /// <summary>Its tokens, of which those of the answer are learned.</summary>
    public static Example Encode(DemonstrationExample example, Tokenizer tokenizer)
    {
        var tokens = new List<int>();
        var learned = new List<bool>();
        foreach (PromptSegment segment in Segments(example))
        {
            int[] ids = tokenizer.Encode(segment.Text, segment.HasSpecial, addSpecial: false);
            tokens.AddRange(ids);
            learned.AddRange(Enumerable.Repeat(segment.IsAnswer, ids.Length));
        }

        return new Example([.. tokens], [.. learned]);
    }
}
