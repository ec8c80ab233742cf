using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Kvasir.Cli;

/// <summary>A command whose help ends with an example.</summary>
internal sealed class ExampleCommand : Command
{
    public ExampleCommand(string name, string description, string example) : base(name, description) => Example = example;

    public string Example { get; }
}

/// <summary>The usual help, and the command's example.</summary>
internal sealed class HelpWithExample : SynchronousCommandLineAction
{
    private const string MainExample = "kvasir ask notes.md report.html \"What was decided about the budget?\"";
    private readonly HelpAction _usual;

    public HelpWithExample(HelpAction usual) => _usual = usual;

    public override int Invoke(ParseResult parseResult)
    {
        int code = _usual.Invoke(parseResult);
        string example = parseResult.CommandResult.Command is ExampleCommand command ? command.Example : MainExample;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Example:");
        foreach (string line in example.Split('\n')) output.WriteLine("  " + line);
        return code;
    }
}
