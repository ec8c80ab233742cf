namespace Kvasir.Formats;

/// <summary>
/// Rotary settings of a Hugging Face configuration: <c>rope_theta</c> and <c>rope_scaling</c>, or both in <c>rope_parameters</c>
/// (there also per layer type). Scaling that differs per frequency becomes factor tensors, as in GGUF.
/// </summary>
internal static class HfRope
{
    /// <summary>The scaling of full-attention layers, or null where there is none.</summary>
    public static HfJson? Settings(HfJson config)
    {
        HfJson? parameters = config.Object("rope_parameters"), settings = config.Object("rope_scaling") ?? parameters;
        if (parameters?.Object("sliding_attention") is { } local && Kind(local) != "default") throw local.Wrong("rope_type", "default");
        return settings?.Names.Contains("full_attention") == true ? settings.Object("full_attention") : settings;
    }

    /// <summary>The rotary base of full-attention layers.</summary>
    public static double Base(HfJson config)
    {
        double? outer = config.Number("rope_theta");
        double value = Settings(config)?.Number("rope_theta") ?? outer ?? throw config.Wrong("rope_theta", "given");
        return value > 0 ? value : throw config.Wrong("rope_theta", "positive");
    }

    /// <summary>Metadata under <c>{architecture}.</c>.</summary>
    public static IEnumerable<(string Key, object Value)> Metadata(HfJson config)
    {
        if ((config.Object("rope_parameters")?.Object("sliding_attention")?.Number("rope_theta")
            ?? config.Number("rope_local_base_freq")) is { } local)
            yield return ("rope.freq_base_swa", local);
        if (Settings(config) is not { } settings) yield break;
        string kind = Kind(settings);
        switch (kind)
        {
            case "linear":
                yield return ("rope.scaling.type", kind);
                yield return ("rope.scaling.factor", Positive(settings, "factor"));
                break;
            case "yarn":
                double original = OriginalContext(config, settings);
                double factor = settings.Number("factor") is null
                    ? (config.Number("max_position_embeddings") ?? original) / original : Positive(settings, "factor");
                yield return ("rope.scaling.type", kind);
                yield return ("rope.scaling.factor", factor);
                yield return ("rope.scaling.original_context_length", (long)original);
                if (settings.Number("beta_fast") is { } fast) yield return ("rope.scaling.yarn_beta_fast", fast);
                if (settings.Number("beta_slow") is { } slow) yield return ("rope.scaling.yarn_beta_slow", slow);
                if (settings.Flag("truncate") == false) yield return ("rope.scaling.yarn_truncate", false);
                // GGUF's factor comes on top of YaRN's own 1 + 0.1 ln(factor); Hugging Face's stand instead of it.
                double growth = 0.1 * Math.Log(Math.Max(factor, 1));
                double? scale = settings.Number("mscale"), all = settings.Number("mscale_all_dim"),
                    given = settings.Number("attention_factor");
                if (given is null && scale is { } own && all is { } shared && own != 0 && shared != 0)
                    given = (1 + growth * own) / (1 + growth * shared);
                if (given is { } attention) yield return ("rope.scaling.attn_factor", attention / (1 + growth));
                break;
            case "longrope":
                yield return ("rope.scaling.original_context_length", (long)OriginalContext(config, settings));
                yield return ("rope.scaling.attn_factor", LongRopeAttentionFactor(config, settings));
                break;
        }
    }

    /// <summary>Factor tensors [rotated channels / 2] by which frequencies are divided.</summary>
    public static IEnumerable<(string Name, float[] Factors)> Factors(HfJson config)
    {
        if (Settings(config) is not { } settings) yield break;
        int pairs = HfMetadata.RotaryDimension(config) / 2;
        string kind = Kind(settings);
        if (kind == "llama3") yield return ("rope_freqs.weight", Llama3Factors(config, settings, pairs));
        if (kind != "longrope") yield break;
        yield return ("rope_factors_long.weight", List(settings, "long_factor", pairs));
        yield return ("rope_factors_short.weight", List(settings, "short_factor", pairs));
    }

    /// <summary>
    /// Wavelengths below original / high_freq_factor stay, those above original / low_freq_factor are stretched by the factor,
    /// those between are mixed: 1 / ((1 - s) / factor + s) with s = (original / wavelength - low) / (high - low).
    /// </summary>
    private static float[] Llama3Factors(HfJson config, HfJson settings, int pairs)
    {
        double factor = Positive(settings, "factor"), low = Positive(settings, "low_freq_factor"),
            high = Positive(settings, "high_freq_factor");
        if (high <= low) throw settings.Wrong("high_freq_factor", "greater than low_freq_factor");
        double original = OriginalContext(config, settings), theta = Base(config);
        var factors = new float[pairs];
        for (int i = 0; i < pairs; i++)
        {
            double wavelength = 2 * Math.PI * Math.Pow(theta, (double)i / pairs);
            double smooth = ((original / wavelength) - low) / (high - low);
            factors[i] = (float)(smooth >= 1 ? 1 : smooth <= 0 ? factor : 1 / (((1 - smooth) / factor) + smooth));
        }
        return factors;
    }

    /// <summary>sqrt(1 + ln(s) / ln(original)) where the context was stretched by s above 1 (LongRoPE).</summary>
    private static double LongRopeAttentionFactor(HfJson config, HfJson settings)
    {
        if (settings.Number("attention_factor") is { } given) return given;
        double original = OriginalContext(config, settings);
        double stretch = settings.Number("factor") ?? ((config.Number("max_position_embeddings") ?? original) / original);
        return stretch <= 1 || original <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(stretch) / Math.Log(original)));
    }

    /// <summary>The kind of scaling; <c>dynamic</c> changes nothing within the context length, so it counts as none.</summary>
    private static string Kind(HfJson settings)
    {
        string? older = settings.Text("type"), kind = settings.Text("rope_type") ?? older;
        if (kind == "dynamic") _ = settings.Number("factor");
        return kind switch
        {
            null or "default" or "dynamic" => "default",
            "su" or "longrope" => "longrope",
            "linear" or "yarn" or "llama3" => kind,
            _ => throw settings.Wrong("rope_type", $"default, linear, yarn, llama3 or longrope, not {kind}"),
        };
    }

    private static double OriginalContext(HfJson config, HfJson settings)
    {
        double? value = settings.Number("original_max_position_embeddings") ?? config.Number("original_max_position_embeddings")
            ?? config.Number("max_position_embeddings");
        return value is >= 1 and <= int.MaxValue ? value.Value : throw settings.Wrong("original_max_position_embeddings", "a length");
    }

    private static double Positive(HfJson settings, string name) =>
        settings.Number(name) is { } value and > 0 ? value : throw settings.Wrong(name, "a positive number");

    private static float[] List(HfJson settings, string name, int length)
    {
        double[] values = settings.Numbers(name) ?? throw settings.Wrong(name, "a list of numbers");
        return values.Length == length && Array.TrueForAll(values, value => value > 0)
            ? Array.ConvertAll(values, value => (float)value) : throw settings.Wrong(name, $"a list of {length} positive numbers");
    }
}
