namespace Kvasir.Cli.Commands;

/// <summary>The loop of messages in and replies out.</summary>
internal sealed class Conversation(
    Model model, KvPolicy? given, BlockPool pool, PromptStore? prompts, ChatSettings settings, bool json, string? save, Terminal terminal)
    : IDisposable
{
    private const string Help =
        """"
        /image FILE       show a picture with the next message
        /system TEXT      how the model is to behave; alone: what it was told
        /set NAME VALUE   temperature, top-k, top-p, min-p, repeat-penalty, max-tokens, stop, seed; NAME alone: its default; alone: all
        /kv               the cache: tokens, bytes, policy
        /save FILE        save the conversation with its KV
        /load FILE        go on with a saved conversation
        /reset            begin anew
        /quit             leave, as Ctrl-D does
        """               begins and ends a message of several lines; pasted lines are one message, Alt-Enter breaks a line
        //                begins a message with a slash
        """";

    private readonly List<string> _shown = [];
    private KvPolicy _policy = given ?? KvPolicy.Default;
    private Session _session = new(model, given, pool, prompts);

    /// <summary>What is emphasised wherever it is said; null for nothing.</summary>
    public Emphasis? Emphasis { get; init; }

    /// <summary>Pictures that were named, and the encoder of those to come.</summary>
    public required PictureInput Pictures { get; init; }

    /// <summary>Shows the pictures that were named with the first message.</summary>
    public void ShowNamed()
    {
        foreach (string file in Pictures.Files) Show(file);
    }

    /// <summary>Sets the system message, or tells it where <paramref name="text"/> is empty.</summary>
    public void Instruct(string text)
    {
        IList<ChatMessage> messages = _session.Messages;
        bool told = messages.Count > 0 && messages[0].Role == "system";
        if (text.Length == 0)
        {
            Say(told ? messages[0].Content : "no system message; /system TEXT gives one");
            return;
        }

        if (told) messages.RemoveAt(0);
        messages.Insert(0, new ChatMessage("system", text));
    }

    public void Run()
    {
        string context = Units.Count(model.Config.ContextLength, "token");
        terminal.Note($"{Path.GetFileName(model.Path)}, context {context}; /help for help, /quit or Ctrl-D to leave");
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        using var reader = new StreamReader(terminal.In, strict, detectEncodingFromByteOrderMarks: false, leaveOpen: true);
        LineEditor? editor = LineEditor.For(terminal);
        var input = new ChatInput(prompt => editor is null ? ReadPlainly(reader, prompt) : Edit(editor, prompt));
        while (input.Next() is string text)
        {
            try
            {
                if (text.Trim() is "/quit" or "/exit" or "/bye") return;
                if (text.StartsWith("//", StringComparison.Ordinal)) Reply(text[1..]);
                else if (text.StartsWith('/')) Obey(text.Trim());
                else if (text.Trim().Length > 0) Reply(text);
            }
            catch (Exception problem) when (
                terminal.InputIsInteractive && problem is KvasirException or IOException or UnauthorizedAccessException)
            {
                terminal.Warn(problem.Message);
            }

            terminal.Interrupted.ThrowIfCancellationRequested();
        }
    }

    public void Load(string path)
    {
        KvPolicy saved = SavedPolicy(path), policy = given ?? CommonOptions.Prepare(saved, model, terminal);
        Session loaded = Session.Load(model, path, given, pool, prompts);
        _session.Dispose();
        _session = loaded;
        Pictures.Use(loaded.Embeddings);
        _policy = policy;
        string loss = saved.CanBecome(_policy) ? "" : " (what the saved form has lost stays lost)";
        if (_policy != saved) terminal.Warn($"{path} was saved with {saved}; converted to {_policy}{loss}");
        terminal.Note($"loaded {Units.Count(_session.Messages.Count, "message")}, {Units.Count(_session.Ids.Count, "token")}");
    }

    public void Dispose() => _session.Dispose();

    private KvPolicy SavedPolicy(string path)
    {
        using KvFile file = KvFile.Open(path, model.CacheLayout);
        return file.Policy;
    }

    /// <summary>On a terminal, where Ctrl-C is a key as long as a line is typed.</summary>
    private string? Edit(LineEditor editor, string prompt)
    {
        Console.TreatControlCAsInput = true;
        try
        {
            using IDisposable leave = LeaveAtOnce();
            return editor.ReadLine(prompt);
        }
        catch (OperationCanceledException)
        {
            terminal.Interrupt();
            throw;
        }
        finally
        {
            Console.TreatControlCAsInput = false;
        }
    }

    private string? ReadPlainly(StreamReader reader, string prompt)
    {
        using IDisposable leave = LeaveAtOnce();
        if (terminal.InputIsInteractive) terminal.Error.Write(prompt);
        try
        {
            return reader.ReadLine();
        }
        catch (DecoderFallbackException problem)
        {
            throw new InvalidInputException("standard input: not valid UTF-8; convert it to UTF-8 first", problem);
        }
    }

    /// <summary>While a line is awaited, an interrupt ends the program at once: nothing is running that needs to be finished.</summary>
    private IDisposable LeaveAtOnce() => terminal.HandleInterrupts(() =>
    {
        if (terminal.InputIsInteractive) Environment.Exit(ExitCode.Interrupted);
        return false;
    });

    /// <summary>Shows a picture with the next message.</summary>
    private void Show(string file)
    {
        _shown.Add(Pictures.Show(model, file));
        _session.Embeddings = Pictures.Embeddings;
    }

    /// <summary>Streams the reply; on a terminal, Ctrl-C ends the reply and not the conversation.</summary>
    private void Reply(string message)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(terminal.Interrupted);
        using IDisposable undo = terminal.HandleInterrupts(() =>
        {
            if (!terminal.InputIsInteractive || stop.IsCancellationRequested) return false;
            stop.Cancel();
            return true;
        });
        string said = string.Concat(_shown.Select(marker => marker + "\n")) + message;
        foreach (string piece in _session.Chat(said, settings.Sampling with { Emphasis = Emphasised(message) }, stop.Token))
        {
            if (!json) terminal.Out.Write(terminal.OutputIsInteractive ? TerminalText.Block(piece) : piece);
        }

        _shown.Clear();

        if (json) terminal.WriteJson(Figures.Of(_session.LastResult!));
        else terminal.Out.WriteLine();
        if (prompts?.Problem is string problem) terminal.Note($"the conversation is not kept in {prompts.Folder}: {problem}");
        if (save is not null && _session.Ids.Count > 0) _session.Save(save);
    }

    /// <summary>What of the emphasised texts stands in the conversation, with the new message; the others are told.</summary>
    private Emphasis? Emphasised(string message)
    {
        if (Emphasis is null) return null;
        string[] said = [.. _session.Messages.Select(old => old.Content), message];
        ILookup<bool, string> texts = Emphasis.Texts.ToLookup(text => said.Any(words => words.Contains(text, StringComparison.Ordinal)));
        foreach (string text in texts[false]) terminal.Warn($"'{text}' is not emphasised: it does not occur in the conversation yet");
        return Emphasis with { Texts = [.. texts[true]] };
    }

    private void Obey(string line)
    {
        string[] words = line.Split((char[])[' ', '\n', '\t'], 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string rest = words.Length > 1 ? words[1] : "";
        Action act = words[0] switch
        {
            "/help" or "/?" => () => Say(Help),
            "/kv" => TellCache,
            "/system" => () => Instruct(rest),
            "/set" when rest.StartsWith("system ", StringComparison.Ordinal) => () => Instruct(rest["system ".Length..].Trim()),
            "/set" => () => Say(rest.Length == 0 ? settings.ToString() : settings.Set(rest)),
            "/reset" or "/clear" => Reset,
            "/save" when rest.Length > 0 => () => Save(rest),
            "/load" when rest.Length > 0 => () => Load(rest),
            "/image" when rest.Length > 0 => () => Show(rest),
            "/save" or "/load" or "/image" => throw new InvalidInputException($"{words[0]} needs a file's name"),
            _ => throw new InvalidInputException(
                $"{words[0]} is unknown; /help lists what can be typed, and // begins a message with a slash"),
        };
        act();
    }

    private void TellCache()
    {
        string tokens = $"{_session.Ids.Count} of {Units.Count(model.Config.ContextLength, "token")}";
        string budget = pool.Budget == long.MaxValue ? "" : $" of {Units.Bytes(pool.Budget)}";
        string reply = _session.LastResult is { } last ? $"\nlast reply: {Figures.Line(last)}" : "";
        Say($"{tokens}, {Units.Bytes(_session.KvBytes)}{budget}, policy {_policy}{reply}");
    }

    private void Reset()
    {
        _session.Dispose();
        _session = new Session(model, given, pool, prompts);
        _shown.Clear();
        _policy = given ?? KvPolicy.Default;
    }

    private void Save(string path)
    {
        OutputPath.Check(path);
        _session.Save(path);
        terminal.Note($"saved {Units.Count(_session.Ids.Count, "token")}, {Units.Bytes(_session.KvBytes)}");
    }

    private void Say(string lines) => (json ? terminal.Error : terminal.Out).WriteLine(TerminalText.Block(lines));
}
