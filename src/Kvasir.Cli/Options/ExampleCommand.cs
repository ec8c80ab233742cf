using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Kvasir.Cli.Options;

/// <summary>A command whose help ends with examples, and the short way to give it options.</summary>
internal sealed class ExampleCommand(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;

    public Argument<T> Argument<T>(string name, string description, ArgumentArity? arity = null)
    {
        var argument = new Argument<T>(name) { Description = description };
        if (arity is { } given) argument.Arity = given;
        Arguments.Add(argument);
        return argument;
    }

    /// <summary>Adds an option with a value.</summary>
    /// <param name="names">Its name, and another one after a blank.</param>
    /// <param name="form">What its value looks like.</param>
    /// <param name="description">What it does.</param>
    public Option<T> Option<T>(string names, string form, string description)
    {
        string[] all = names.Split(' ');
        var option = new Option<T>(all[0], all[1..]) { Description = description, HelpName = form };
        Options.Add(option);
        return option;
    }

    /// <summary>As <see cref="Option{T}(string, string, string)"/>, with the value where it is not given.</summary>
    public Option<T> Option<T>(string names, string form, string description, T usual)
    {
        Option<T> option = Option<T>(names, form, description);
        option.DefaultValueFactory = _ => usual;
        return option;
    }

    /// <summary>Adds an option that must be given.</summary>
    public Option<string> Required(string names, string form, string description)
    {
        Option<string> option = Option<string>(names, form, description);
        option.Required = true;
        return option;
    }

    /// <summary>
    /// Adds an option whose value is a word of <paramref name="form"/>; the first unless <paramref name="usual"/> says another.
    /// </summary>
    public Option<string> Choice(string names, string form, string description, string? usual = null)
    {
        string[] words = form.Split('|');
        return Option(names, form, description, usual ?? words[0]).AcceptOnlyFromAmong(words);
    }

    /// <summary>Adds an option without a value.</summary>
    public Option<bool> Flag(string names, string description)
    {
        Option<bool> option = Option<bool>(names, "", description);
        option.HelpName = null;
        return option;
    }

    /// <summary>What the command does; exit code 0 unless it throws.</summary>
    public ExampleCommand Does(Action<ParseResult> action)
    {
        SetAction(action);
        return this;
    }

    /// <summary>What the command does, with its exit code.</summary>
    public ExampleCommand Returns(Func<ParseResult, int> action)
    {
        SetAction(action);
        return this;
    }
}

/// <summary>The usual help, and the command's examples.</summary>
internal sealed class HelpWithExample(HelpAction usual) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        int code = usual.Invoke(parseResult);
        if (parseResult.CommandResult.Command is not ExampleCommand { Examples: { } examples }) return code;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Example:");
        foreach (string line in examples) output.WriteLine("  " + line);
        return code;
    }
}
