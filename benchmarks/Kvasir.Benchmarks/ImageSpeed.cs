using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Benchmarks;

/// <summary>
/// What thinning and storing an image's KV gains on a model of random weights: decoding behind 2,880 image tokens with all of them and
/// with 20%, for one sequence and for several, and the first token of a second question about a stored image against computing it anew.
/// </summary>
internal static class ImageSpeed
{
    private const int ImageTokens = 2880, Before = 35, Question = 16, Generate = 16, Rounds = 3;

    private static readonly KvPolicy s_thinned = KvPolicy.Parse("evict=prefixkv:20%,score=question,only=images");

    /// <summary><c>images MODEL [SEQUENCES…]</c>.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            Console.Error.WriteLine("usage: images MODEL.gguf [SEQUENCES…] (as in 1 8)");
            return 2;
        }

        using Model model = Model.Load(arguments[0]);
        model.WarmUp();
        (int[] ids, InputEmbeddings embeddings) = Prompt(model);
        TimeSpan anew = Stored(model, ids, embeddings);
        using KvCache full = Filled(model, KvPolicy.Default, ids, embeddings), thin = Filled(model, s_thinned, ids, embeddings);
        Console.WriteLine($"KV of {ids.Length} tokens: {full.Bytes / 1e6:0.0} MB whole, {thin.Bytes / 1e6:0.0} MB thinned");
        foreach (int sequences in arguments[1..].Select(int.Parse).DefaultIfEmpty(1))
        {
            double whole = 0, part = 0;
            for (int round = 0; round < Rounds; round++)
                (whole, part) = (Math.Max(whole, Decode(model, full, sequences)), Math.Max(part, Decode(model, thin, sequences)));
            Console.WriteLine($"{sequences} sequence(s): {whole:0.00} tokens/s whole, {part:0.00} thinned: {part / whole:0.00} times");
        }

        return anew > TimeSpan.Zero ? 0 : 1;
    }

    private static (int[] Ids, InputEmbeddings Embeddings) Prompt(Model model)
    {
        var random = new Random(3);
        var embeddings = new InputEmbeddings(model.Config.Width);
        float[] rows = [.. Enumerable.Range(0, ImageTokens * model.Config.Width).Select(_ => (float)(0.04 * random.NextDouble() - 0.02))];
        int[] Text(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(3, model.Config.Vocabulary))];
        return ([.. Text(Before), .. embeddings.Add(rows), .. Text(Question)], embeddings);
    }

    /// <summary>Times the whole prompt, and the question behind what was stored of it, files warm.</summary>
    private static TimeSpan Stored(Model model, int[] ids, InputEmbeddings embeddings)
    {
        string path = Path.Combine(Path.GetTempPath(), $"kvasir-image-{Environment.ProcessId}.kv");
        int image = ids.Length - Question;
        try
        {
            using (KvCache cache = model.NewCache())
            {
                Feed(model, cache, ids[..image], embeddings, LogitRows.None);
                cache.Seal();
                cache.Save(path, ids.AsSpan(0, image));
            }

            TimeSpan anew = TimeSpan.MaxValue, again = TimeSpan.MaxValue;
            for (int round = 0; round < Rounds; round++)
            {
                using KvCache cache = model.NewCache();
                long started = Stopwatch.GetTimestamp();
                using KvFile file = KvFile.Open(path, model.CacheLayout);
                cache.Place(file);
                Feed(model, cache, ids[image..], null, LogitRows.Last);
                again = Least(again, Stopwatch.GetElapsedTime(started));
            }

            using (KvCache cache = model.NewCache())
            {
                long started = Stopwatch.GetTimestamp();
                Feed(model, cache, ids, embeddings, LogitRows.Last);
                anew = Least(anew, Stopwatch.GetElapsedTime(started));
            }

            Console.WriteLine($"first token: {anew.TotalMilliseconds:0} ms computed, {again.TotalMilliseconds:0} ms from stored KV: "
                + $"{anew / again:0.0} times");
            return anew;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static KvCache Filled(Model model, KvPolicy policy, int[] ids, InputEmbeddings embeddings)
    {
        KvCache cache = model.NewCache(policy);
        cache.BeginPrompt(ids);
        Feed(model, cache, ids, embeddings, LogitRows.None);
        cache.Seal();
        return cache;
    }

    private static void Feed(Model model, KvCache cache, int[] ids, InputEmbeddings? embeddings, LogitRows rows)
    {
        using var batch = new Batch();
        foreach (int[] part in ids.Chunk(512))
        {
            batch.Clear();
            batch.Add(cache, part, rows, embeddings);
            model.Forward(batch);
        }
    }

    /// <summary>Tokens a second of so many sequences, each of which reads memory of its own.</summary>
    private static double Decode(Model model, KvCache filled, int sequences)
    {
        using var pool = new BlockPool();
        using var batch = new Batch();
        KvCache[] caches = [.. Enumerable.Range(0, sequences).Select(_ => filled.Duplicate(pool))];
        try
        {
            long started = Stopwatch.GetTimestamp();
            for (int step = 0; step < Generate; step++)
            {
                batch.Clear();
                foreach (KvCache cache in caches) batch.Add(cache, [100 + step]);
                model.Forward(batch);
            }

            return (double)sequences * Generate / Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
        finally
        {
            foreach (KvCache cache in caches) cache.Dispose();
        }
    }
}
