using Kvasir.Formats;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

/// <summary>Which tokens end a reply, and what templates are told of special tokens.</summary>
public sealed class EndOfTurnTests
{
    [Theory]
    [InlineData("<|im_end|>", 1)]
    [InlineData("<|im_end|>", 3)]
    [InlineData("<|im_end|>", 4)]
    [InlineData("<|im_end|>", 5)]
    [InlineData("<|eot_id|>", 1)]
    [InlineData("<|eom_id|>", 4)]
    [InlineData("<end_of_turn>", 1)]
    [InlineData("<|end|>", 4)]
    [InlineData("<|endoftext|>", 1)]
    public void Token_that_ends_a_turn_ends_it_whatever_its_type(string text, int type)
    {
        Tokenizer tokenizer = Tokenizer.Load(Gguf([text], type));
        Assert.Equal([3], tokenizer.Encode(text));
        Assert.Equal((true, false), (tokenizer.IsEndOfGeneration(3), tokenizer.IsEndOfGeneration(1)));
    }

    [Fact]
    public void Tokens_named_by_the_metadata_end_a_turn_too()
    {
        Tokenizer tokenizer = Tokenizer.Load(Gguf(["stop", "halt"], 1, ("eot_token_id", 3L), ("eom_token_id", 4L)));
        Assert.All([0, 3, 4], id => Assert.True(tokenizer.IsEndOfGeneration(id)));
    }

    [Fact]
    public void Token_that_looks_like_a_control_token_is_read_as_one_but_ends_nothing()
    {
        Tokenizer tokenizer = Tokenizer.Load(Gguf(["<|im_start|>"], 1));
        Assert.Equal([3, 1], tokenizer.Encode("<|im_start|>a"));
        Assert.False(tokenizer.IsEndOfGeneration(3));
    }

    [Fact]
    public void Template_of_a_file_reads_the_texts_of_its_special_tokens()
    {
        ModelFile file = Gguf(["<|im_end|>"], 3, ("bos_token_id", 3L), ("padding_token_id", 1L));
        Dictionary<string, object> metadata = new(file.Metadata)
        {
            ["tokenizer.chat_template"] = "{{ bos_token }} {{ eos_token }} {{ pad_token }} {{ unk_token }}",
            ["tokenizer.chat_template.tool_use"] = "tools",
        };
        Tokenizer tokenizer = Tokenizer.Load(file);
        Assert.Equal("<|im_end|> x a ", ChatTemplate.Load(new MetadataFile(metadata), tokenizer)!.Render([]));
        Assert.Equal("tools", ChatTemplate.Load(new MetadataFile(metadata), tokenizer, "tool_use")!.Render([]));
        metadata["tokenizer.text.eos_token"] = "<end>";
        Assert.Equal(" <end>  ", ChatTemplate.Load(new MetadataFile(metadata), tokenizer, "other")!.Render([]));
        Assert.Null(ChatTemplate.Load(file, tokenizer));
    }

    private static MetadataFile Gguf(string[] texts, long type, params (string Key, object Value)[] more)
    {
        string[] tokens = ["x", "a", "b", .. texts];
        var metadata = new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "gpt2",
            ["tokenizer.ggml.pre"] = "gpt-2",
            ["tokenizer.ggml.tokens"] = tokens,
            ["tokenizer.ggml.token_type"] = tokens.Select((_, id) => id < 3 ? 1L : type).ToArray(),
            ["tokenizer.ggml.merges"] = Array.Empty<string>(),
            ["tokenizer.ggml.eos_token_id"] = 0L,
        };
        foreach ((string key, object value) in more) metadata["tokenizer.ggml." + key] = value;
        return new MetadataFile(metadata);
    }
}
