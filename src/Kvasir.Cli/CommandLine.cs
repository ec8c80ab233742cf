using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Kvasir.Cli.Commands;

namespace Kvasir.Cli;

/// <summary>The whole program: parses arguments, runs a command, and turns what went wrong into one line and an exit code.</summary>
internal static class CommandLine
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int BadInput = 2;
    public const int Interrupted = 130;

    public static int Run(string[] args, Terminal terminal)
    {
        try
        {
            ParseResult parsed = Root(terminal).Parse(args.Length == 0 ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Errors.Count > 0) return Report(parsed.Errors, parsed, terminal);
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = terminal.Out, Error = terminal.Error };
            int code = parsed.Invoke(configuration);
            return terminal.Interrupted.IsCancellationRequested ? Interrupted : code;
        }
        catch (OperationCanceledException) when (terminal.Interrupted.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (InvalidInputException problem)
        {
            return Report(problem, BadInput, terminal);
        }
        catch (AggregateException several) when (several.InnerExceptions.Count == 1 && several.InnerException is InvalidInputException problem)
        {
            return Report(problem, BadInput, terminal);
        }
#pragma warning disable CA1031 // the door of the program: whatever failed becomes one line
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return Report(failure, Failed, terminal);
        }
    }

    private static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand("Kvasir: language models in pure C#, with a KV cache that is stored, thinned, shared and reused.")
        {
            AskCommand.Create(terminal),
            IngestCommand.Create(terminal),
            StoreCommand.Create(terminal),
            ChatCommand.Create(terminal),
            CompleteCommand.Create(terminal),
            TokenizeCommand.Create(terminal),
            TemplateCommand.Create(terminal),
            LogitsCommand.Create(terminal),
            EmbedCommand.Create(terminal),
            PplCommand.Create(terminal),
            BenchCommand.Create(terminal),
            InspectCommand.Create(terminal),
        };
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExample((HelpAction)help.Action!);
        return root;
    }

    private static int Report(IReadOnlyList<ParseError> errors, ParseResult parsed, Terminal terminal)
    {
        string command = parsed.CommandResult.Command is RootCommand ? "kvasir" : $"kvasir {string.Join(' ', Names(parsed.CommandResult))}";
        string message = OneLine(errors[0].Message).TrimEnd('.');
        terminal.Error.WriteLine($"kvasir: {message}; see {command} --help");
        return BadInput;
    }

    private static int Report(Exception problem, int code, Terminal terminal)
    {
        if (Environment.GetEnvironmentVariable("KVASIR_TRACE") == "1") terminal.Error.WriteLine(problem);
        else terminal.Error.WriteLine($"kvasir: {OneLine(problem.Message)}");
        return code;
    }

    private static IEnumerable<string> Names(CommandResult result) =>
        result.Parent is CommandResult { Command: not RootCommand } parent ? Names(parent).Append(result.Command.Name) : [result.Command.Name];

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").Trim();
}
