namespace Kvasir.Cli.Commands;

/// <summary><c>kept</c>: which tokens of a prompt a policy keeps.</summary>
internal static class KeptCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("kept", "Which tokens of a prompt a policy keeps, in every layer and head.",
            "kvasir kept --kv evict=keydiff:50% --file notes.txt",
            "kvasir kept --kv evict=prefixkv:20%,sink=0,recent=0 --ids 504,3575,282,14197,314 --layer 3 --json");
        var prompt = new PromptOptions(command);
        var layer = command.Option<int?>("--layer", "L", "Only this layer").InRange(0, int.MaxValue);
        var head = command.Option<int?>("--head", "H", "Only this kv head").InRange(0, int.MaxValue);
        CommonOptions common = CommonOptions.ForSequences(command);
        return command.Does(parsed =>
        {
            Func<Model, int[]> idsBy = prompt.Read(parsed, terminal);
            KvPolicy policy = common.Policy(parsed);
            using Model model = common.LoadTextModel(parsed, terminal);
            policy = CommonOptions.Prepare(policy, model, terminal);
            int[] tokens = idsBy(model);
            using var steps = new ForwardSteps(model, terminal);
            using KvCache cache = model.NewCache(policy);
            long started = Stopwatch.GetTimestamp();
            steps.Prefill(cache, tokens);
            TimeSpan time = Stopwatch.GetElapsedTime(started);
            (int First, int Count) layers = Chosen(parsed.GetValue(layer), cache.Layers.Count, "--layer");
            int[][][] kept = [.. Enumerable.Range(layers.First, layers.Count).Select(l => Heads(cache, l, parsed.GetValue(head)))];
            if (common.Json(parsed))
                terminal.WriteJson(new
                {
                    Tokens = tokens.Length,
                    Kept = kept,
                    cache.Bytes,
                    cache.BytesF16,
                    PrefillMs = Units.Rounded((time - cache.EvictionTime).TotalMilliseconds),
                    EvictionMs = Units.Rounded(cache.EvictionTime.TotalMilliseconds),
                });
            else Print(terminal, kept, layers.First, cache);
        });
    }

    private static int[][] Heads(KvCache cache, int layer, int? head)
    {
        (int first, int count) = Chosen(head, cache.Layers[layer].Heads.Length, "--head");
        return [.. cache.Layers[layer].Heads.Skip(first).Take(count).Select(one => one.Positions())];
    }

    private static (int First, int Count) Chosen(int? one, int count, string option) =>
        one >= count
            ? throw new InvalidInputException($"{option} {one}: the model has {count}") : one is int chosen ? (chosen, 1) : (0, count);

    /// <summary>
    /// Layers by positions: each character stands for a few tokens and is the fuller the more of them are kept in the heads shown.
    /// </summary>
    private static void Print(Terminal terminal, int[][][] kept, int firstLayer, KvCache cache)
    {
        const string shades = " .:-=+*#%@";
        int width = Math.Max(1, Math.Min(cache.Length, Math.Min(terminal.Columns, 120) - 16));
        for (int l = 0; l < kept.Length; l++)
        {
            var counts = new double[width];
            foreach (int position in kept[l].SelectMany(head => head)) counts[(int)((long)position * width / cache.Length)]++;
            IEnumerable<char> line = counts.Select((count, column) => Shade(count / (kept[l].Length * Width(column))));
            double share = kept[l].Average(head => (double)head.Length) / cache.Length;
            terminal.Out.WriteLine($"{firstLayer + l,4} |{string.Concat(line)}| {100 * share,5:0.0}%");
        }

        terminal.Out.WriteLine(
            $"{Units.Count(cache.Length, "token")}, KV "
            + $"{Units.Bytes(cache.Bytes)} "
            + $"({Units.Bytes(cache.BytesF16)} in f16), chosen and encoded in {cache.EvictionTime.TotalMilliseconds:0} ms");

        long Width(int column) =>
            ((long)(column + 1) * cache.Length + width - 1) / width - ((long)column * cache.Length + width - 1) / width;
        char Shade(double share) => shades[(int)Math.Clamp(Math.Ceiling(share * (shades.Length - 1)), 0, shades.Length - 1)];
    }
}
