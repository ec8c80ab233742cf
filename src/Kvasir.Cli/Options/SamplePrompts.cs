using System.Text.Json;

namespace Kvasir.Cli.Options;

/// <summary>Named prompts that a profile is measured on: <c>--ids-file</c>, <c>--file</c>, or what the model writes itself.</summary>
internal sealed class SamplePrompts
{
    private const int TextTokens = 512, TextSamples = 6;

    private readonly Option<string?> _idsFile;
    private readonly Option<string[]> _texts;

    public SamplePrompts(ExampleCommand command)
    {
        _idsFile = command.Option<string?>("--ids-file", "F.json", "Sample prompts: a JSON object of names and lists of token ids");
        _texts = command.Option<string[]>("--file -f", "FILE…", "Sample texts (default: texts that the model writes itself)");
        _texts.AllowMultipleArgumentsPerToken = true;
    }

    /// <summary>What is measured on each prompt, by its name; shows how far it is.</summary>
    /// <exception cref="InvalidInputException">No prompts that can be used.</exception>
    public Dictionary<string, T> Measure<T>(ParseResult parsed, Model model, Terminal terminal, Func<int[], T> measure)
    {
        using var progress = new ProgressLine(terminal, "reading");
        Dictionary<string, int[]> prompts = Read(parsed.GetValue(_idsFile), parsed.GetValue(_texts), model, terminal);
        var measured = new Dictionary<string, T>();
        foreach ((string name, int[] ids) in prompts)
        {
            measured[name] = measure(ids);
            progress.Report(measured.Count, prompts.Count, name);
        }

        return measured;
    }

    private static Dictionary<string, int[]> Read(string? idsFile, string[]? texts, Model model, Terminal terminal)
    {
        if (idsFile is not null && texts is { Length: > 0 })
            throw new InvalidInputException("--ids-file and --file were both given; give one of them");
        if (idsFile is not null) return FromIds(idsFile, model);
        if (texts is { Length: > 0 })
            return texts.SelectMany(path => Cut(model.Tokenizer.Encode(TextInput.ReadFile(path), parseSpecial: true), path, model))
                .ToDictionary();
        int tokens = Math.Min(TextTokens, model.Config.ContextLength);
        return CalibrationText.Write(model, TextSamples, tokens, cancellation: terminal.Interrupted)
            .Select((ids, i) => KeyValuePair.Create($"sample{i + 1}", ids)).ToDictionary();
    }

    private static IEnumerable<KeyValuePair<string, int[]>> Cut(int[] ids, string path, Model model)
    {
        if (ids.Length == 0) throw new InvalidInputException($"{path}: no tokens");
        int length = Math.Min(Math.Min(TextTokens, model.Config.ContextLength), ids.Length),
            count = Math.Min(TextSamples, ids.Length / length);
        return Enumerable.Range(0, count)
            .Select(i =>
            KeyValuePair.Create($"{Path.GetFileName(path)}:{i + 1}",
            ids.AsSpan((int)((long)(ids.Length - length) * i / Math.Max(1, count - 1)), length).ToArray()));
    }

    private static Dictionary<string, int[]> FromIds(string path, Model model)
    {
        try
        {
            Dictionary<string, int[]?>? named = JsonSerializer.Deserialize<Dictionary<string, int[]?>>(TextInput.ReadBytes(path));
            if (named is not { Count: > 0 }) throw new InvalidInputException($"{path}: give a JSON object of names and lists of token ids");
            foreach ((string name, int[]? ids) in named)
            {
                if (ids is not { Length: > 0 } || ids.Length > model.Config.ContextLength)
                    throw new InvalidInputException($"{path}: {name} has {ids?.Length ?? 0} ids; give 1 to {model.Config.ContextLength}");
                if (Array.FindIndex(ids, id => id < 0 || id >= model.Config.Vocabulary) is >= 0 and var wrong)
                    throw new InvalidInputException(
                    $"{path}: {name}: {ids[wrong]} is outside the vocabulary of {model.Config.Vocabulary} ids");
            }
            return named.ToDictionary(pair => pair.Key, pair => pair.Value!);
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{path}: not a JSON object of names and lists of token ids ({problem.Message})", problem);
        }
    }
}
