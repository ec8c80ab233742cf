namespace Kvasir.Cli.Commands;

/// <summary>
/// How the replies of a conversation are chosen: the command's own options, which <c>/set</c> changes under the same names and rules.
/// </summary>
internal sealed class ChatSettings
{
    private static readonly Dictionary<string, string> s_otherNames = new() { ["num-predict"] = "max-tokens", ["temp"] = "temperature" };

    private readonly Command _command = new("set");
    private readonly Func<ParseResult, GenerationOptions> _read;
    private Dictionary<Option, string[]> _given;

    /// <param name="options">The options that can be changed.</param>
    /// <param name="read">What a command line with some of them means.</param>
    /// <param name="parsed">The command line that the conversation was begun with.</param>
    public ChatSettings(IEnumerable<Option> options, Func<ParseResult, GenerationOptions> read, ParseResult parsed)
    {
        foreach (Option option in options) _command.Options.Add(option);
        _read = read;
        _given = _command.Options.Where(option => parsed.GetResult(option) is { Implicit: false })
            .ToDictionary(option => option, option => parsed.GetResult(option)!.Tokens.Select(token => token.Value).ToArray());
        Sampling = read(parsed);
    }

    /// <summary>What the next reply is generated with.</summary>
    public GenerationOptions Sampling { get; private set; }

    /// <summary>
    /// Takes <c>NAME VALUE</c>, or <c>NAME</c> alone for the default. Ollama's form is understood too: <c>parameter num_predict 50</c>.
    /// </summary>
    /// <returns>The setting as it is now.</returns>
    /// <exception cref="InvalidInputException">An unknown name, or a value that is not right for it.</exception>
    public string Set(string words)
    {
        string[] parts = words.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts is ["parameter", string rest]) return Set(rest);
        string name = parts[0].ToLowerInvariant().Replace('_', '-').TrimStart('-');
        name = s_otherNames.GetValueOrDefault(name, name);
        Option option = _command.Options.FirstOrDefault(own => own.Name == "--" + name)
            ?? throw new InvalidInputException($"'{parts[0]}' cannot be set; there are "
                + $"{string.Join(", ", _command.Options.Select(own => own.Name[2..]))}, and /system");
        var given = new Dictionary<Option, string[]>(_given) { [option] = parts[1..] };
        if (parts.Length == 1) given.Remove(option);
        string[] line = [.. given.SelectMany(pair => pair.Value.SelectMany(value => new[] { pair.Key.Name, value }))];
        ParseResult parsed = _command.Parse(line, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0) throw new InvalidInputException(parsed.Errors[0].Message.TrimStart('-').TrimEnd('.'));
        (_given, Sampling) = (given, _read(parsed));
        return Shown(option);
    }

    /// <summary>All settings, one a line.</summary>
    public override string ToString() => string.Join('\n', _command.Options.Select(Shown));

    private string Shown(Option option)
    {
        string value = _given.TryGetValue(option, out string[]? given)
            ? string.Join(' ', given)
            : $"{(option.HasDefaultValue ? option.GetDefaultValue() : null)}";
        return $"{option.Name[2..],-16} {(value.Length > 0 ? value : "-")}";
    }
}
