using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Tests.Formats;

public sealed class HfRopeTests : IDisposable
{
    private const string Sizes = """
        "hidden_size": 64, "num_attention_heads": 2, "rope_theta": 10000.0, "max_position_embeddings": 256
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Llama3_keeps_short_waves_and_stretches_long_ones()
    {
        HfJson config =
            Config("""{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":64}""");
        (string name, float[] factors) = Assert.Single(HfRope.Factors(config));
        Assert.Equal("rope_freqs.weight", name);
        Assert.Equal(16, factors.Length);
        Assert.Equal(1, factors[0]);
        Assert.Equal(8, factors[^1]);
        Assert.Equal(factors.Order(), factors);
        Assert.InRange(factors[3], 1.001f, 7.999f); // wavelength 2 pi 10000^(3/16) = 35.3, between 64/4 and 64/1
    }

    [SkippableFact]
    public void Longrope_matches_the_gguf_of_the_same_model()
    {
        using ModelFile gguf = ModelFiles.Open(SharedData.Require("models/tiny/tiny-phi3.gguf"));
        string list = string.Join(",", Enumerable.Repeat("1.5", 16));
        HfJson config = Config($$"""{"type":"longrope","long_factor":[{{list}}],"short_factor":[{{list}}]}""",
            ", \"original_max_position_embeddings\": 64");
        Dictionary<string, object> metadata = HfRope.Metadata(config).ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.Equal(gguf.Require<double>("phi3.rope.scaling.attn_factor"), (double)metadata["rope.scaling.attn_factor"], 1e-6);
        Assert.Equal(gguf.Require<long>("phi3.rope.scaling.original_context_length"), metadata["rope.scaling.original_context_length"]);
        Assert.Equal(["rope_factors_long.weight", "rope_factors_short.weight"], HfRope.Factors(config).Select(factor => factor.Name));
        Assert.All(HfRope.Factors(config), factor => Assert.Equal(gguf.RequireTensor(factor.Name).Shape[0], factor.Factors.Length));
    }

    [Fact]
    public void Yarn_and_linear_become_metadata()
    {
        Dictionary<string, object> yarn =
            HfRope.Metadata(Config("""{"rope_type":"yarn","factor":4,"original_max_position_embeddings":64,"beta_fast":16}"""))
                .ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.Equal(("yarn", 4.0, 64L, 16.0),
            (yarn["rope.scaling.type"], yarn["rope.scaling.factor"], yarn["rope.scaling.original_context_length"],
            yarn["rope.scaling.yarn_beta_fast"]));
        Assert.Equal([("rope.scaling.type", "linear"), ("rope.scaling.factor", (object)2.0)],
            HfRope.Metadata(Config("""{"type":"linear","factor":2}""")));
    }

    [Fact]
    public void Parameters_per_layer_type_are_read()
    {
        HfJson config =
            Read($$"""{ {{Sizes}},"""
                + $$""" "rope_parameters": {"full_attention":{"rope_type":"linear","factor":8,"rope_theta":1000000},"""
                    + $$""" "sliding_attention":{"rope_type":"default","rope_theta":5000} } }""");
        Assert.Equal(1e6, HfRope.Base(config));
        Assert.Contains(("rope.freq_base_swa", (object)5000.0), HfRope.Metadata(config));
        Assert.Contains(("rope.scaling.factor", (object)8.0), HfRope.Metadata(config));
    }

    [Theory]
    [InlineData("""{"rope_type":"spiral"}""")]
    [InlineData("""{"rope_type":"llama3","factor":8}""")]
    [InlineData("""{"rope_type":"linear","factor":0}""")]
    [InlineData("""{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4,"original_max_position_embeddings":64}""")]
    [InlineData("""{"rope_type":"longrope","long_factor":[1],"short_factor":[1]}""")]
    public void Wrong_scaling_is_refused(string scaling)
    {
        HfJson config = Config(scaling);
        Assert.Throws<InvalidInputException>(() => (HfRope.Metadata(config).Count(), HfRope.Factors(config).Count()));
    }

    private HfJson Config(string scaling, string more = "") => Read($$"""{ {{Sizes}}{{more}}, "rope_scaling": {{scaling}} }""");

    private HfJson Read(string json) => HfJson.Read(_folder.File("config.json", json));
}
