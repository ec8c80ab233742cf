using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Generation;

/// <summary>Pictures in messages, by templates that take text and by those that take content parts.</summary>
public sealed class ChatPartsTests
{
    private const string Plain = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}",
        Parts = "{% for m in messages %}[{{ m.role }}]{% for p in m.content %}{% if p.type == 'image' %}<image>{% else %}{{ p.text }}"
            + "{% endif %}{% endfor %}{% endfor %}",
        Both = "{% for m in messages %}[{{ m.role }}]{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}"
            + "{% if p.type == 'image' %}<image>{% else %}{{ p.text }}{% endif %}{% endfor %}{% endif %}{% endfor %}";

    private static readonly ByteTokenizer s_tokenizer = new();

    private readonly InputEmbeddings _embeddings = new(2);

    [Theory]
    [InlineData(Plain)]
    [InlineData(Parts)]
    [InlineData(Both)]
    public void Markers_become_the_ids_that_they_stand_for(string template)
    {
        int[] one = _embeddings.Add([1, 2, 3, 4]), other = _embeddings.Add([5, 6]);
        _embeddings.Name("<image a>", one);
        _embeddings.Name("<image b>", other);
        int[] ids = ChatParts.Encode(s_tokenizer, new ChatTemplate(template),
            [new ChatMessage("user", "<image b>x<image a>\ny"), new ChatMessage("assistant", "z"), new ChatMessage("user", "<image b>")],
            _embeddings);
        Assert.Equal([.. Text("[user]"), .. other, .. Text("x"), .. one, .. Text("\ny[assistant]z[user]"), .. other], ids);
    }

    [Fact]
    public void Gemma_s_template_shows_pictures_by_a_token_of_its_own()
    {
        _embeddings.Name("<image a>", _embeddings.Add([1, 2]));
        string template = Parts.Replace("<image>", "<start_of_image>", StringComparison.Ordinal);
        Assert.Equal([.. Text("[user]x"), .. _embeddings.Add([1, 2]), .. Text("y")],
            ChatParts.Encode(s_tokenizer, new ChatTemplate(template), [new ChatMessage("user", "x<image a>y")], _embeddings));
    }

    [Theory]
    [InlineData(Plain)]
    [InlineData(Parts)]
    [InlineData(Both)]
    public void Messages_without_pictures_are_text(string template) => Assert.Equal(Text("[user]<image> is a word here"),
        ChatParts.Encode(s_tokenizer, new ChatTemplate(template), [new ChatMessage("user", "<image> is a word here")], _embeddings));

    [Fact]
    public void A_template_that_shows_pictures_otherwise_is_refused()
    {
        _embeddings.Name("<image a>", _embeddings.Add([1, 2]));
        string template = Parts.Replace("<image>", "<img>", StringComparison.Ordinal);
        var refused = Assert.Throws<InvalidInputException>(() =>
            ChatParts.Encode(s_tokenizer, new ChatTemplate(template), [new ChatMessage("user", "<image a>")], _embeddings));
        Assert.Contains("shows 0 of 1 pictures", refused.Message, StringComparison.Ordinal);
    }

    private static int[] Text(string text) => s_tokenizer.Encode(text);
}
