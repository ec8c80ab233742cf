using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Kvasir.Cli.Commands;

/// <summary>A command whose help ends with an example.</summary>
internal sealed class ExampleCommand : Command
{
    public ExampleCommand(string name, string description, string example) : base(name, description) => Example = example;

    public string Example { get; }
}

/// <summary>The usual help, and the command's example.</summary>
internal sealed class HelpWithExample : SynchronousCommandLineAction
{
    private readonly HelpAction _usual;

    public HelpWithExample(HelpAction usual) => _usual = usual;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        int code = _usual.Invoke(parseResult);
        if (parseResult.CommandResult.Command is not ExampleCommand { Example: string example }) return code;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Example:");
        foreach (string line in example.Split('\n')) output.WriteLine("  " + line);
        return code;
    }
}
