namespace Kvasir.Cli.Commands;

/// <summary><c>logits</c>: what the model makes of given ids.</summary>
internal static class LogitsCommand
{
    private const int TopCount = 20;
    private const int Slice = 128;

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("logits", "Logits of the last position, or of all.",
            "kvasir logits --ids 504,3575,282,14197,314 --json", "kvasir logits --ids 504,3575,282 --all --out logits.safetensors");
        var ids = command.Required("--ids", "1,2,3", "Token ids, fed exactly as given");
        var all = command.Flag("--all", "Of every position, not only the last");
        var output = command.Option<string?>(
            "--out -o", "F.safetensors", "Write the logits there, as tensor 'logits' [positions, vocabulary]");
        CommonOptions common = CommonOptions.ForSequences(command);
        var promptTokens = new PromptTokensOption(command);
        return command.Does(parsed =>
        {
            KvPolicy policy = promptTokens.Apply(parsed, common.Policy(parsed));
            string? path = parsed.GetValue(output);
            if (path is not null) OutputPath.Check(path);
            using Model model = common.LoadModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            int[] tokens = IdList.ParseIds(parsed.GetValue(ids)!, "--ids", model.Config.Vocabulary);
            if (tokens.Length > model.Config.ContextLength)
                throw new InvalidInputException($"--ids has {tokens.Length} tokens, but the model's context holds "
                    + $"{model.Config.ContextLength}");
            bool every = parsed.GetValue(all);
            if (path is not null)
            {
                WriteFile(path, model, policy, tokens, every, terminal);
                if (common.Json(parsed)) terminal.WriteJson(new { File = path, Rows = every ? tokens.Length : 1, model.Config.Vocabulary });
                else terminal.Note($"wrote {path}");
                return;
            }

            List<Row> rows = [.. Rows(model, policy, tokens, every, Row.Of, terminal.Interrupted)];
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    Argmax = rows.Select(row => row.Argmax),
                    LogSumExp = rows.Select(row => Units.Rounded(row.LogSumExp, 6)),
                    Top = rows.Select(row => new { row.Ids, row.Logits }),
                });
            else Print(terminal, model, rows);
        });
    }

    private static void WriteFile(string path, Model model, KvPolicy policy, int[] ids, bool all, Terminal terminal)
    {
        long rows = all ? ids.Length : 1;
        if (rows * model.Config.Vocabulary > Array.MaxLength)
            throw new InvalidInputException($"{rows} rows of {model.Config.Vocabulary} logits are too many for one file; give fewer ids");
        var values = new float[rows * model.Config.Vocabulary];
        int row = 0;
        int Keep(ReadOnlySpan<float> logits)
        {
            logits.CopyTo(values.AsSpan(row * logits.Length));
            return row + 1;
        }

        foreach (int next in Rows(model, policy, ids, all, Keep, terminal.Interrupted)) row = next;
        var writer = new SafetensorsWriter();
        writer.Add("logits", [rows, model.Config.Vocabulary], values);
        writer.Write(path);
    }

    private delegate T RowReader<out T>(ReadOnlySpan<float> logits);

    /// <summary>The last position or all, in slices so that many positions do not need the memory of all their logits.</summary>
    private static IEnumerable<T> Rows<T>(
        Model model, KvPolicy policy, int[] ids, bool all, RowReader<T> read, CancellationToken cancellation)
    {
        using KvCache cache = model.NewCache(policy);
        cache.Steer(policy.Steering, ids.Length);
        using var batch = new Batch();
        for (int start = 0; start < ids.Length; start += Slice)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(Slice, ids.Length - start);
            bool last = start + count == ids.Length;
            batch.Clear();
            batch.Add(cache, ids.AsSpan(start, count), all ? LogitRows.All : last ? LogitRows.Last : LogitRows.None);
            model.Forward(batch, cancellation);
            for (int row = 0; row < batch.LogitRowCount; row++) yield return read(batch.Logits(row));
        }
    }

    private static void Print(Terminal terminal, Model model, List<Row> rows)
    {
        terminal.WriteTable(["row", "argmax", "token", "logit", "logSumExp"], rows.Index(), row =>
        [
            $"{row.Index}", $"{row.Item.Argmax}", model.Tokenizer.Decode([row.Item.Argmax]).ReplaceLineEndings("\\n"),
            $"{row.Item.Logits[0]:0.0000}", $"{row.Item.LogSumExp:0.0000}",
        ], 0, 1, 3, 4);
    }

    private sealed record Row(int Argmax, double LogSumExp, int[] Ids, float[] Logits)
    {
        public static Row Of(ReadOnlySpan<float> logits)
        {
            (int[] ids, float[] top) = Likelihood.Largest(logits, TopCount);
            return new Row(ids[0], Likelihood.LogSumExp(logits), ids, top);
        }
    }
}
