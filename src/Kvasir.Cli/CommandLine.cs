using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Kvasir.Cli.Commands;

namespace Kvasir.Cli;

/// <summary>The whole program: parses arguments, runs a command, and turns what went wrong into one line and an exit code.</summary>
internal static class CommandLine
{
    public static int Run(string[] args, Terminal terminal)
    {
        terminal.Arguments = args;
        if (args.Length == 0) return ShowFirstSteps(terminal);
        try
        {
            ParseResult parsed = Root(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (Misuse(parsed) is string misuse) return Refuse(misuse, parsed, terminal);
            var configuration = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = terminal.Out,
                Error = terminal.Error
            };
            int code = parsed.Invoke(configuration);
            terminal.SayRemark();
            return terminal.Interrupted.IsCancellationRequested ? ExitCode.Interrupted : code;
        }
        catch (OperationCanceledException) when (terminal.Interrupted.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
#pragma warning disable CA1031 // the door of the program: whatever failed becomes one line
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Exception cause = failure is AggregateException { InnerExceptions: [var only] } && IsBadInput(only) ? only : failure;
            return Report(cause, IsBadInput(cause) ? ExitCode.BadInput : ExitCode.Failed, terminal);
        }
    }

    private static int ShowFirstSteps(Terminal terminal)
    {
        string program = TypedCommand.Program;
        terminal.Out.WriteLine($"Ask your documents:  {program} ask FILE-OR-FOLDER… \"QUESTION\"");
        terminal.Out.WriteLine($"Talk to a model:     {program} chat");
        terminal.Out.WriteLine($"All commands:        {program} --help      What this machine has: {program} doctor");
        return ExitCode.Done;
    }

    private static bool IsBadInput(Exception problem) =>
        problem is InvalidInputException or DamagedKvException or DirectoryNotFoundException or FileNotFoundException
            or UnauthorizedAccessException;

    private static ExampleCommand Root(Terminal terminal)
    {
        var help = new HelpOption();
        help.Action = new HelpWithExample((HelpAction)help.Action!);
        return new ExampleCommand(
            "kvasir", "Kvasir: language models in pure C#, with a KV cache that is stored, thinned, shared and reused.",
            "kvasir ask notes.md report.html \"What was decided about the budget?\"")
        {
            help,
            new VersionOption { Action = new ShowVersion() },
            AskCommand.Create(terminal),
            IngestCommand.Create(terminal),
            ReadCommand.Create(terminal),
            StoreCommand.Create(terminal),
            ChatCommand.Create(terminal),
            CompleteCommand.Create(terminal),
            TokenizeCommand.Create(terminal),
            TemplateCommand.Create(terminal),
            LogitsCommand.Create(terminal),
            EmbedCommand.Create(terminal),
            PplCommand.Create(terminal),
            EvalCommand.Create(terminal),
            CompareCommand.Create(terminal),
            KeptCommand.Create(terminal),
            ProfileCommand.Create(terminal),
            TrainCommand.Create(terminal),
            FactorCommand.Create(terminal),
            BenchCommand.Create(terminal),
            ServeCommand.Create(terminal),
            McpCommand.Create(terminal),
            InspectCommand.Create(terminal),
            ModelsCommand.Create(terminal),
            DoctorCommand.Create(terminal),
        };
    }

    /// <summary>What is wrong with the arguments, or null.</summary>
    private static string? Misuse(ParseResult parsed)
    {
        if (parsed.Action is HelpWithExample) return null;
        if (parsed.UnmatchedTokens.Count > 0) return $"'{parsed.UnmatchedTokens[0]}' is not a command or option here";
        if (MistakenForText(parsed) is string flag) return $"'{flag}' is not an option here; where it is text, put -- before it";
        return parsed.Errors.Count > 0 ? Plain(parsed.Errors[0], parsed.CommandResult.Command) : null;
    }

    /// <summary>A parser's complaint in the words of this program: what is missing or wrong, by its name, and what is right.</summary>
    private static string Plain(ParseError error, Command command)
    {
        string message = error.Message.TrimEnd('.');
        return error.SymbolResult switch
        {
            CommandResult when message.StartsWith("Required command", StringComparison.Ordinal) =>
                $"{command.Name} needs one of {string.Join(", ", command.Subcommands.Select(verb => verb.Name))}",
            OptionResult { Option: { } option } when message.StartsWith("Required argument", StringComparison.Ordinal) =>
                $"{option.Name} needs a value{(option.HelpName is string form ? $", {form}" : "")}",
            OptionResult { Option: { HelpName: string allowed } option, Tokens: [var token, ..] } when message.StartsWith(
                "Argument '", StringComparison.Ordinal) =>
                $"{option.Name} {token.Value}: give {allowed.Replace("|", " or ", StringComparison.Ordinal)}",
            OptionResult { Option: { } option, Tokens.Count: > 1 } when message.StartsWith("Option '", StringComparison.Ordinal) =>
                $"{option.Name} was given more than once; give it once",
            not null when message.StartsWith("Option '", StringComparison.Ordinal)
                && message.EndsWith("is required", StringComparison.Ordinal) => $"{message.Split('\'')[1]} is missing",
            not null when message.StartsWith("Required argument", StringComparison.Ordinal) =>
                $"{command.Name} needs "
                    + string.Join(" ", command.Arguments.Where(argument => argument.Arity.MinimumNumberOfValues > 0)
                        .Select(argument => $"<{argument.Name}>")),
            _ => message,
        };
    }

    /// <summary>A word that looks like an option but was taken as an argument, as the parser does with unknown ones.</summary>
    private static string? MistakenForText(ParseResult parsed)
    {
        var plain = parsed.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash).Select(token => token.Value)
            .ToHashSet(StringComparer.Ordinal);
        return parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value)
            .FirstOrDefault(value =>
                value.Length > 1 && value[0] == '-' && (value[1] == '-' || char.IsAsciiLetter(value[1])) && !plain.Contains(value));
    }

    private static int Refuse(string misuse, ParseResult parsed, Terminal terminal)
    {
        terminal.Warn($"{misuse.Trim()}; see {TypedCommand.Line([.. Names(parsed.CommandResult).Skip(1), "--help"])}");
        return ExitCode.BadInput;
    }

    private static int Report(Exception problem, int code, Terminal terminal)
    {
        if (Environment.GetEnvironmentVariable("KVASIR_TRACE") == "1") terminal.Error.WriteLine(problem);
        else terminal.Warn(problem.Message.Trim());
        return code;
    }

    private static IEnumerable<string> Names(CommandResult result) =>
        result.Parent is CommandResult parent ? Names(parent).Append(result.Command.Name) : [result.Command.Name];

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(typeof(CommandLine).Assembly.GetName().Version!.ToString(3));
            return ExitCode.Done;
        }
    }
}
