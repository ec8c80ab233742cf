using Spectre.Console;

namespace Kvasir.Cli.Input;

/// <summary>
/// Reads texts from a terminal with the usual editing keys and a history that lasts as long as the program. What is pasted stays one text
/// with all its lines: in terminals that mark pastes (bracketed paste), and in others because its lines arrive at once.
/// </summary>
/// <param name="output">The terminal.</param>
/// <param name="available">Whether a key waits to be read.</param>
/// <param name="read">Waits for a key.</param>
/// <param name="size">The terminal's columns and rows.</param>
internal sealed class LineEditor(TextWriter output, Func<bool> available, Func<ConsoleKeyInfo> read, Func<(int Columns, int Rows)> size)
{
    private const int PasteGapMilliseconds = 15, TabWidth = 4;
    private const string MarkPastes = "\e[?2004h", DoNotMarkPastes = "\e[?2004l";

    private readonly List<string> _history = [];
    private LineBuffer _buffer = new();
    private string _draft = "";
    private int _shown, _drawnRow;
    private bool _pasting;
    private char _previous;

    /// <summary>An editor for what a person types; null where none sits here, or the terminal cannot draw.</summary>
    public static LineEditor? For(Terminal terminal) =>
        terminal.InputIsInteractive && terminal.ErrorIsInteractive && Environment.GetEnvironmentVariable("TERM") != "dumb"
            ? new LineEditor(terminal.Error, () => Console.KeyAvailable, () => Console.ReadKey(intercept: true), terminal.Size)
            : null;

    /// <summary>A text, which may have several lines; null where Ctrl-D is pressed on an empty one.</summary>
    /// <exception cref="OperationCanceledException">Ctrl-C was pressed.</exception>
    public string? ReadLine(string prompt)
    {
        (_buffer, _shown, _drawnRow, _pasting) = (new LineBuffer(), _history.Count, 0, false);
        output.Write(MarkPastes);
        try
        {
            while (true)
            {
                if (!available()) Draw(prompt);
                ConsoleKeyInfo key = read();
                if (key.KeyChar == 3) throw new OperationCanceledException("Ctrl-C");
                if (key.KeyChar == 4 && _buffer.Text.Length == 0) return null;
                if (key.KeyChar is '\r' or '\n' && Ends()) return Remember(_buffer.Text);
                Obey(key);
                _previous = key.KeyChar;
            }
        }
        finally
        {
            _buffer.Cursor = _buffer.Text.Length;
            Draw(prompt);
            output.Write(DoNotMarkPastes + "\r\n");
        }
    }

    /// <summary>Whether a line break ends the text: not within a paste or where more follows at once, unless it is a command.</summary>
    private bool Ends()
    {
        if (_pasting) return false;
        if (_buffer.Text.StartsWith('/') && !_buffer.Text.StartsWith("//", StringComparison.Ordinal)) return true;
        if (!available()) Thread.Sleep(PasteGapMilliseconds);
        return !available();
    }

    private string Remember(string text)
    {
        if (text.Length > 0 && (_history.Count == 0 || _history[^1] != text)) _history.Add(text);
        return text;
    }

    private void Obey(ConsoleKeyInfo key)
    {
        bool byWord = key.Modifiers.HasFlag(ConsoleModifiers.Control);
        LineBuffer text = _buffer;
        switch ((key.Key, key.KeyChar))
        {
            case (_, '\e'): Escape(); break;
            case (_, '\n') when _previous == '\r': break;
            case (_, '\r' or '\n'): text.Insert("\n"); break;
            case (_, '\t'): text.Insert("\t"); break;
            case (ConsoleKey.LeftArrow, _) or (_, '\x02'):
                text.Cursor = byWord && key.KeyChar == 0
                ? text.PreviousWord : text.Previous; break;
            case (ConsoleKey.RightArrow, _) or (_, '\x06'): text.Cursor = byWord && key.KeyChar == 0 ? text.NextWord : text.Next; break;
            case (ConsoleKey.UpArrow, _) or (_, '\x10'): if (!text.MoveLine(up: true)) Recall(_shown - 1); break;
            case (ConsoleKey.DownArrow, _) or (_, '\x0e'): if (!text.MoveLine(up: false)) Recall(_shown + 1); break;
            case (ConsoleKey.Home, _) or (_, '\x01'): text.Cursor = text.LineStart; break;
            case (ConsoleKey.End, _) or (_, '\x05'): text.Cursor = text.LineEnd; break;
            case (ConsoleKey.Delete, _) or (_, '\x04'): text.Replace(text.Cursor, text.Next); break;
            case (ConsoleKey.Backspace, _) or (_, '\b' or '\x7f'): text.Replace(text.Previous, text.Cursor); break;
            case (_, '\x0b'): text.Replace(text.Cursor, text.LineEnd); break;
            case (_, '\x15'): text.Replace(text.LineStart, text.Cursor); break;
            case (_, '\x17'): text.Replace(text.PreviousWord, text.Cursor); break;
            case (_, var c) when !char.IsControl(c): text.Insert(c.ToString()); break;
        }
    }

    /// <summary>What follows the escape character: a paste's marks, Alt with a key, or a sequence that is passed over.</summary>
    private void Escape()
    {
        if (!available()) return;
        ConsoleKeyInfo next = read();
        if (next.KeyChar is 'b' or 'f') _buffer.Cursor = next.KeyChar == 'b' ? _buffer.PreviousWord : _buffer.NextWord;
        else if (next.KeyChar is '\r' or '\n') _buffer.Insert("\n");
        else if (next.KeyChar == '[')
        {
            var sequence = new StringBuilder();
            while (available() && (sequence.Length == 0 || sequence[^1] is < '@' or > '~')) sequence.Append(read().KeyChar);
            _pasting = sequence.ToString() switch { "200~" => true, "201~" => false, _ => _pasting };
        }
    }

    private void Recall(int entry)
    {
        if (entry < 0 || entry > _history.Count) return;
        if (_shown == _history.Count) _draft = _buffer.Text;
        _shown = entry;
        _buffer.Replace(0, _buffer.Text.Length, entry == _history.Count ? _draft : _history[entry]);
    }

    /// <summary>Draws the rows around the cursor that the terminal has room for, over those drawn before.</summary>
    private void Draw(string prompt)
    {
        (int columns, int height) = size();
        List<string> rows = Rows(prompt, columns > prompt.Length + TabWidth ? columns - 1 : 79, out int row, out int column);
        int room = height > 1 ? height : 24, first = Math.Clamp(row - room + 1, 0, Math.Max(0, rows.Count - room));
        string[] visible = [.. rows.Skip(first).Take(room)];
        var frame = new StringBuilder();
        if (_drawnRow > 0) frame.Append($"\e[{_drawnRow}A");
        frame.Append("\r\e[J").AppendJoin("\r\n", visible);
        _drawnRow = row - first;
        if (visible.Length - 1 - _drawnRow is > 0 and int above) frame.Append($"\e[{above}A");
        frame.Append('\r');
        if (column > 0) frame.Append($"\e[{column}C");
        output.Write(frame);
    }

    /// <summary>The text in rows of at most <paramref name="width"/> cells, and where the cursor stands.</summary>
    private List<string> Rows(string prompt, int width, out int cursorRow, out int cursorColumn)
    {
        List<string> rows = [];
        var row = new StringBuilder(prompt);
        int column = prompt.Length, at = 0;
        (cursorRow, cursorColumn) = (0, column);
        foreach (string element in TerminalText.Elements(_buffer.Text))
        {
            string shown = element == "\t" ? new string(' ', TabWidth) : element == "\n" ? "" : element;
            int cells = shown.GetCellWidth();
            if (column + cells > width) Break();
            if (at == _buffer.Cursor) (cursorRow, cursorColumn) = (rows.Count, column);
            row.Append(shown);
            column += cells;
            at += element.Length;
            if (element == "\n") Break();
        }

        if (at == _buffer.Cursor) (cursorRow, cursorColumn) = (rows.Count, column);
        rows.Add(row.ToString());
        return rows;

        void Break()
        {
            rows.Add(row.ToString());
            row.Clear().Append(' ', prompt.Length);
            column = prompt.Length;
        }
    }
}
