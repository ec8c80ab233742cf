using System.CommandLine;
using System.Text;
using Kvasir.Cache;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Cli.Commands;

/// <summary><c>chat</c>: talk to the model.</summary>
internal static class ChatCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("chat", "Talk to the model; /help lists what can be typed besides messages.", "kvasir chat --system \"You answer in one sentence.\"\nkvasir chat --save talk.kv\nkvasir chat --load talk.kv --save talk.kv\necho \"Who are you?\" | kvasir chat --temperature 0");
        var system = new Option<string?>("--system", "-s") { Description = "A message that tells the model how to behave", HelpName = "TEXT" };
        var load = new Option<string?>("--load") { Description = "Go on with a conversation saved by --save or /save", HelpName = "FILE" };
        var save = new Option<string?>("--save") { Description = "Save the conversation with its KV after every reply; to go on with one that is there, give --load too", HelpName = "FILE" };
        command.Options.Add(system);
        command.Options.Add(load);
        command.Options.Add(save);
        var sampling = new SamplingOptions(command, maxTokens: 1024, temperature: 0.7f);
        CommonOptions common = CommonOptions.ForSequences(command);
        var budget = new KvBudgetOption(command);
        var promptCache = new PromptCacheOption(command);
        command.SetAction(parsed =>
        {
            KvPolicy? policy = common.GivenPolicy(parsed);
            GenerationOptions options = sampling.Read(parsed, common);
            PromptStore? prompts = promptCache.Open(parsed);
            CheckSave(parsed.GetValue(save), parsed.GetValue(load));
            using BlockPool pool = budget.NewPool(parsed);
            using Model model = common.LoadTextModel(parsed, terminal);
            if (policy is not null) policy = CommonOptions.Prepare(policy, model, terminal);
            if (model.ChatTemplate is null) throw new InvalidInputException($"{model.Path}: carries no chat template; use a model tuned for chat, or kvasir complete");
            using var conversation = new Conversation(model, policy, pool, prompts, options, common.Json(parsed), parsed.GetValue(save), terminal);
            if (parsed.GetValue(load) is string path) conversation.Load(path);
            else if (parsed.GetValue(system) is string text) conversation.Begin(text);
            conversation.Run();
            return CommandLine.Done;
        });
        return command;
    }

    /// <exception cref="InvalidInputException">The file cannot be written, or holds what would be lost.</exception>
    private static void CheckSave(string? save, string? load)
    {
        if (save is null) return;
        OutputPath.Check(save);
        if (File.Exists(save) && (load is null || Path.GetFullPath(load) != Path.GetFullPath(save)))
            throw new InvalidInputException($"{save}: exists already; go on with it (--load {save} --save {save}) or name another file");
    }

    /// <summary>The loop of lines in and replies out.</summary>
    private sealed class Conversation(Model model, KvPolicy? given, BlockPool pool, PromptStore? prompts, GenerationOptions options, bool json, string? save, Terminal terminal) : IDisposable
    {
        private KvPolicy _policy = given ?? KvPolicy.Default;
        private Session _session = new(model, given, pool, prompts);

        public void Begin(string systemMessage) => _session.Messages.Add(new ChatMessage("system", systemMessage));

        public void Run()
        {
            terminal.Note($"{Path.GetFileName(model.Path)}, context {model.Config.ContextLength} tokens; /help for help, /quit or Ctrl-D to leave");
            using var reader = new StreamReader(terminal.In, new UTF8Encoding(false, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: false, leaveOpen: true);
            while (ReadLine(reader) is string line)
            {
                if (line.Trim() is "/quit" or "/exit") return;
                if (line.Trim().Length == 0) continue;
                try
                {
                    if (line.StartsWith('/')) Obey(line.Trim());
                    else Reply(line);
                }
                catch (Exception problem) when (terminal.InputIsInteractive && problem is InvalidInputException or KvBudgetExceededException or IOException or UnauthorizedAccessException)
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
            _policy = policy;
            if (_policy != saved) terminal.Warn($"{path} was saved with {saved}; converted to {_policy}{(saved.CanBecome(_policy) ? "" : " (what the saved form has lost stays lost)")}");
            terminal.Note($"loaded {_session.Messages.Count} messages, {_session.Ids.Count} tokens");
        }

        public void Dispose() => _session.Dispose();

        private KvPolicy SavedPolicy(string path)
        {
            using KvFile file = KvFile.Open(path, model);
            return file.Policy;
        }

        /// <summary>While a line is awaited, Ctrl-C ends the program at once: nothing is running that needs to be finished.</summary>
        private string? ReadLine(StreamReader reader)
        {
            using IDisposable leave = terminal.HandleInterrupts(() =>
            {
                if (terminal.InputIsInteractive) Environment.Exit(CommandLine.Interrupted);
                return false;
            });
            if (terminal.InputIsInteractive) terminal.Error.Write("> ");
            try
            {
                return reader.ReadLine();
            }
            catch (DecoderFallbackException problem)
            {
                throw new InvalidInputException("standard input: not valid UTF-8; convert it to UTF-8 first", problem);
            }
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
            foreach (string piece in _session.Chat(message, options, stop.Token))
            {
                if (!json) terminal.Out.Write(piece);
            }

            if (json) terminal.WriteJson(Figures.Of(_session.LastResult!));
            else terminal.Out.WriteLine();
            if (prompts?.Problem is string problem) terminal.Note($"the conversation is not kept in {prompts.Folder}: {problem}");
            if (save is not null && _session.Ids.Count > 0) _session.Save(save);
        }

        private void Obey(string line)
        {
            string[] words = line.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            switch (words[0])
            {
                case "/help":
                    Say("/kv           the cache: tokens, bytes, policy\n/save FILE    save the conversation with its KV\n/load FILE    go on with a saved conversation\n/reset        begin anew\n/quit         leave");
                    break;
                case "/kv":
                    Say($"{_session.Ids.Count} of {model.Config.ContextLength} tokens, {Units.Bytes(_session.KvBytes)}{(pool.Budget == long.MaxValue ? "" : $" of {Units.Bytes(pool.Budget)}")}, policy {_policy}" + (_session.LastResult is { } last ? $"\nlast reply: {Figures.Line(last)}" : ""));
                    break;
                case "/reset":
                    _session.Dispose();
                    _session = new Session(model, given, pool, prompts);
                    _policy = given ?? KvPolicy.Default;
                    break;
                case "/save" when words.Length == 2:
                    Save(words[1]);
                    break;
                case "/load" when words.Length == 2:
                    Load(words[1]);
                    break;
                case "/save" or "/load":
                    throw new InvalidInputException($"{words[0]} needs a file's name");
                default:
                    throw new InvalidInputException($"{words[0]} is unknown; /help lists what can be typed");
            }
        }

        private void Save(string path)
        {
            OutputPath.Check(path);
            _session.Save(path);
            terminal.Note($"saved {_session.Ids.Count} tokens, {Units.Bytes(_session.KvBytes)}");
        }

        private void Say(string lines)
        {
            if (json) terminal.Error.WriteLine(lines);
            else terminal.Out.WriteLine(lines);
        }
    }
}
