using Spectre.Console;

namespace Kvasir.Cli.Output;

/// <summary>A live bar with the share done and the time left on standard error where that is a terminal; nothing otherwise.</summary>
internal sealed class ProgressLine(Terminal terminal, string label, TimeProvider? clock = null) : IDisposable, IProgress<double>
{
    private const int BarWidth = 30;
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly TimeLeft _left = new(clock ?? TimeProvider.System);
    private long? _lastDrawn;
    private int _drawnWidth;

    /// <summary>Shows that <paramref name="done"/> of <paramref name="total"/> is done (0: unknown), ten times a second at most.</summary>
    public void Report(double done, double total, string detail = "")
    {
        if (!terminal.ErrorIsInteractive) return;
        double share = total > 0 ? Math.Clamp(done / total, 0, 1) : 0;
        TimeSpan? left = _left.At(share);
        if (_lastDrawn is long drawn && _clock.GetElapsedTime(drawn).TotalMilliseconds < 100 && done < total) return;
        _lastDrawn = _clock.GetTimestamp();
        int room = terminal.Columns - 1, bar = Math.Min(BarWidth, room * 2 / 5), filled = (int)(share * bar);
        string shown = total > 0 ? $" [{new string('#', filled)}{new string('.', bar - filled)}] {Percent(share)}{Eta(left)}" : "";
        string line = TerminalText.Cut($"{label}{shown} {detail}", room);
        int width = line.GetCellWidth();
        terminal.Error.Write("\r" + line + new string(' ', Math.Clamp(_drawnWidth - width, 0, room - width)));
        _drawnWidth = width;
    }

    /// <summary>Shows a share that is done.</summary>
    public void Report(double value) => Report(value, 1);

    /// <summary>Progress told at once, by the thread that reports it.</summary>
    public static IProgress<T> Of<T>(Action<T> report) => new Adapter<T>(report);

    private static string Percent(double share) => $"{Math.Floor(100 * share)}%";

    private static string Eta(TimeSpan? left) => left is { Ticks: > 0 } time ? $" ETA {TimeLeft.Text(time)}" : "";

    /// <summary>Wipes the bar.</summary>
    public void Dispose()
    {
        if (_drawnWidth > 0) terminal.Error.Write("\r" + new string(' ', Math.Min(_drawnWidth, terminal.Columns - 1)) + "\r");
        _drawnWidth = 0;
    }

    private sealed class Adapter<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
