using System.Runtime.InteropServices;
using Kvasir.Cli;

using var output = new StreamWriter(Console.OpenStandardOutput(), new System.Text.UTF8Encoding(false)) { AutoFlush = true };
using var error = new StreamWriter(Console.OpenStandardError(), new System.Text.UTF8Encoding(false)) { AutoFlush = true };
using Stream input = Console.OpenStandardInput();
using var terminal = new Terminal(input, output, error)
{
    InputIsInteractive = !Console.IsInputRedirected,
    OutputIsInteractive = !Console.IsOutputRedirected,
    ErrorIsInteractive = !Console.IsErrorRedirected,
    Size = () => (Console.WindowWidth, Console.WindowHeight),
};
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = terminal.Interrupt());
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = terminal.Interrupt());
return CommandLine.Run(args, terminal);
