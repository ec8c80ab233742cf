using Spectre.Console;
using Spectre.Console.Rendering;

namespace Kvasir.Cli.Output;

/// <summary>Where a command reads and writes, whether a person sits there, and whether that person has interrupted it.</summary>
internal sealed class Terminal(Stream input, TextWriter output, TextWriter error) : IDisposable
{
    private const int MostOfProblem = 1000;

    private readonly CancellationTokenSource _interrupted = new();
    private Func<bool>? _interruptHandler;
    private string? _remark;

    public Stream In => input;

    /// <summary>Standard output; a remark on what comes out goes before it.</summary>
    public TextWriter Out
    {
        get
        {
            SayRemark();
            return output;
        }
    }

    public TextWriter Error => error;

    /// <summary>The command line that is being run.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];

    public bool InputIsInteractive { get; init; }

    public bool OutputIsInteractive { get; init; }

    public bool ErrorIsInteractive { get; init; }

    /// <summary>How long a command may go on behind the first signal before the process ends.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(1.5);

    /// <summary>How wide and high the window is now, in character cells; either may be 0 where that is not known.</summary>
    public Func<(int Columns, int Rows)> Size { get; init; } = () => (0, 0);

    /// <summary>The window's width now, in character cells; 80 where that is not known.</summary>
    public int Columns => Size().Columns is > 0 and int columns ? columns : 80;

    /// <summary>Cancelled by the first Ctrl-C.</summary>
    public CancellationToken Interrupted => _interrupted.Token;

    /// <summary>The first Ctrl-C asks the command to end after its step; true where it does. The second ends the process.</summary>
    /// <param name="mayGoOn">Whether the command may take it for the end of a step only.</param>
    public bool Interrupt(bool mayGoOn = true)
    {
        if (mayGoOn && _interruptHandler?.Invoke() == true) return true;
        if (_interrupted.IsCancellationRequested) return false;
        _interrupted.Cancel();
        return true;
    }

    /// <summary>Until the result is disposed, a Ctrl-C is first offered to <paramref name="handler"/>.</summary>
    public IDisposable HandleInterrupts(Func<bool> handler)
    {
        _interruptHandler = handler;
        return new Undo(() => _interruptHandler = null);
    }

    /// <summary>One JSON object on a line of its own.</summary>
    public void WriteJson(object value) => Out.WriteLine(Json.Write(value));

    /// <summary>A line for a person; nothing where standard error is not a terminal.</summary>
    public void Note(string line)
    {
        if (ErrorIsInteractive) Error.WriteLine(TerminalText.Line(line));
    }

    /// <summary>What went wrong, or may have, in one line on standard error.</summary>
    public void Warn(string problem) => Error.WriteLine("kvasir: " + TerminalText.Line(DamagedFile.Shortened(problem, MostOfProblem)));

    /// <summary>
    /// A warning about what a command gives, said before its first output, or at its end; one that is refused gives nothing.
    /// </summary>
    public void Remark(string problem) => _remark = problem;

    /// <summary>Says what is left to be remarked.</summary>
    public void SayRemark()
    {
        if (Interlocked.Exchange(ref _remark, null) is string remark) Warn(remark);
    }

    /// <summary>A row for every item.</summary>
    public void WriteTable<T>(
        IReadOnlyList<string> headings, IEnumerable<T> items, Func<T, IEnumerable<string>> row, params int[] rightAligned)
    {
        var table = new Table { Border = TableBorder.Simple };
        for (int column = 0; column < headings.Count; column++)
        {
            var heading = new TableColumn(new Text(headings[column])) { NoWrap = true };
            table.AddColumn(rightAligned.Contains(column) ? heading.RightAligned() : heading);
        }

        foreach (T item in items) table.AddRow(row(item).Select(IRenderable (cell) => new Text(TerminalText.Line(cell))));
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Out),
            Ansi = OutputIsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        if (!OutputIsInteractive) console.Profile.Width = 400;
        console.Write(table);
    }

    public void Dispose() => _interrupted.Dispose();

    private sealed class Undo(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
