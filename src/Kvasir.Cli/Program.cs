using Kvasir.Cli;

if (ReaderProgram.IsAskedFor(args)) return ReaderProgram.Run();

using StreamWriter output = Writer(new StandardStream(Console.OpenStandardOutput(), "standard output"));
using StreamWriter error = Writer(new StandardStream(Console.OpenStandardError(), null));
using Stream input = Console.OpenStandardInput();
using var terminal = new Terminal(input, output, error)
{
    InputIsInteractive = !Console.IsInputRedirected,
    OutputIsInteractive = !Console.IsOutputRedirected,
    ErrorIsInteractive = !Console.IsErrorRedirected,
    Size = () => (Console.WindowWidth, Console.WindowHeight),
};
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
terminal.Interrupted.Register(() => new Thread(ExitAfterGrace) { IsBackground = true }.Start());
return CommandLine.Run(args, terminal);

static StreamWriter Writer(Stream stream) => new(stream, new System.Text.UTF8Encoding(false)) { AutoFlush = true };

// The first signal asks the command to end after its step, which keeps what is done; the second one ends the process at once.
void End(PosixSignalContext signal)
{
    signal.Cancel = true;
    if (!terminal.Interrupt(mayGoOn: signal.Signal == PosixSignal.SIGINT)) Environment.Exit(ExitCode.Interrupted);
}

// A step may wait for the system: a read from a pipe, a slow disk. Stores and saved files are sound whenever a process ends.
void ExitAfterGrace()
{
    Thread.Sleep(terminal.Grace);
    Environment.Exit(ExitCode.Interrupted);
}
