namespace Kvasir.Formats;

/// <summary>What the files beside tokenizer.json say about special tokens and the chat template, under GGUF's keys.</summary>
internal static class HfTokenizerSettings
{
    /// <summary>What stands before the names of <see cref="TokenTexts"/> in the metadata.</summary>
    public const string TokenTextKey = "tokenizer.text.";

    private const string TemplateKey = "tokenizer.chat_template";

    public static IEnumerable<(string Key, object Value)> Read(string folder, HfJson config) =>
        [.. TokenIds(folder, config), .. TokenTexts(folder), .. Templates(folder)];

    /// <summary>Ids from generation_config.json, which lists all that end a text, before config.json.</summary>
    private static IEnumerable<(string, object)> TokenIds(string folder, HfJson config)
    {
        HfJson? generation = HfJson.ReadIfThere(folder, "generation_config.json");
        foreach ((string name, string key) in ((string, string)[])[("bos_token_id", "bos"), ("eos_token_id", "eos"),
            ("pad_token_id", "padding")])
        {
            if ((generation?.Integers(name) ?? config.Integers(name)) is not { Length: > 0 } ids) continue;
            yield return ($"tokenizer.ggml.{key}_token_id", ids[0]);
            if (ids.Length > 1) yield return ($"tokenizer.ggml.{key}_token_ids", ids);
        }
    }

    /// <summary>Texts of special tokens, under <see cref="TokenTextKey"/> and their names (<c>eos_token</c>), for templates.</summary>
    private static IEnumerable<(string, object)> TokenTexts(string folder)
    {
        HfJson?[] files = [HfJson.ReadIfThere(folder, "special_tokens_map.json"), HfJson.ReadIfThere(folder, "tokenizer_config.json")];
        foreach (HfJson settings in files.OfType<HfJson>())
        {
            foreach (string name in settings.Names.Where(name =>
                name.EndsWith("_token", StringComparison.Ordinal) && !name.StartsWith("add_", StringComparison.Ordinal)))
            {
                if ((settings.IsText(name) ? settings.Text(name) : settings.Object(name)?.Text("content")) is { } text)
                    yield return (TokenTextKey + name, text);
            }
        }
    }

    /// <summary>One template, or several by name of which <c>default</c> is the one without a suffix.</summary>
    private static IEnumerable<(string, object)> Templates(string folder)
    {
        string file = System.IO.Path.Combine(folder, "chat_template.jinja"),
            further = System.IO.Path.Combine(folder, "additional_chat_templates");
        foreach (string named in Directory.Exists(further) ? Directory.GetFiles(further, "*.jinja") : [])
            yield return ($"{TemplateKey}.{System.IO.Path.GetFileNameWithoutExtension(named)}", File.ReadAllText(named));
        if (File.Exists(file))
        {
            yield return (TemplateKey, File.ReadAllText(file));
            yield break;
        }
        const string property = "chat_template";
        HfJson? config = HfJson.ReadIfThere(folder, "tokenizer_config.json");
        if ((config?.Names.Contains(property) == true ? config : HfJson.ReadIfThere(folder, "chat_template.json")) is not { } settings)
            yield break;
        if (settings.Objects(property) is not { } templates)
        {
            if (settings.Text(property) is { } text) yield return (TemplateKey, text);
            yield break;
        }
        foreach (HfJson template in templates)
        {
            string name = template.Text("name") ?? "default";
            string text = template.Text("template") ?? throw template.Wrong("template", "given");
            yield return (name == "default" || templates.Count == 1 ? TemplateKey : $"{TemplateKey}.{name}", text);
        }
    }
}
