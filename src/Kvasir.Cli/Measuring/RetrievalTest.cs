using System.Numerics.Tensors;

namespace Kvasir.Cli.Measuring;

/// <summary>When a policy compresses the context: before the question is known, or with it.</summary>
internal enum CompressedWhen
{
    /// <summary>The context is prefilled alone; the question then attends to what the policy kept of it.</summary>
    Context,

    /// <summary>Context and question are prefilled together but for the last token, which attends to what was kept of both.</summary>
    Question,
}

/// <summary>How much of the greedy answers is right.</summary>
/// <param name="Score">Summed over the prompts; each gives 0 to 1.</param>
/// <param name="Right">Prompts answered wholly right.</param>
/// <param name="Items">Prompts.</param>
/// <param name="KvBytes">Of the largest cache.</param>
/// <param name="KvBytesF16">The same tokens in float16.</param>
/// <param name="Wrong">Names of the prompts answered wrong.</param>
internal sealed record RetrievalTest(double Score, int Right, int Items, long KvBytes, long KvBytesF16, IReadOnlyList<string> Wrong)
{
    public double Accuracy => Score / Items;

    /// <summary>Several tests as one.</summary>
    public static RetrievalTest Sum(IReadOnlyCollection<RetrievalTest> tests) => new(
        tests.Sum(test => test.Score), tests.Sum(test => test.Right), tests.Sum(test => test.Items),
        tests.Max(test => test.KvBytes), tests.Max(test => test.KvBytesF16), [.. tests.SelectMany(test => test.Wrong)]);

    public static RetrievalTest Run(
        Model model, KvPolicy policy, IReadOnlyList<RetrievalPrompt> prompts, CompressedWhen when, Terminal terminal, string label,
        InputEmbeddings? embeddings = null)
    {
        using var progress = new ProgressLine(terminal, label);
        using var steps = new ForwardSteps(model, terminal) { Embeddings = embeddings };
        var wrong = new List<string>();
        double sum = 0;
        long bytes = 0, bytesF16 = 0;
        for (int i = 0; i < prompts.Count; i++)
        {
            using KvCache cache = model.NewCache(policy);
            cache.Steer(policy.Steering, prompts[i].Context.Length + prompts[i].Question.Length);
            double score = prompts[i].Score(Answer(steps, cache, prompts[i], when));
            sum += score;
            if (score < 1) wrong.Add(prompts[i].Name);
            (bytes, bytesF16) = (Math.Max(bytes, cache.Bytes), Math.Max(bytesF16, cache.BytesF16));
            progress.Report(i + 1, prompts.Count, $"{i + 1 - wrong.Count} of {i + 1} right");
        }

        return new RetrievalTest(sum, prompts.Count - wrong.Count, prompts.Count, bytes, bytesF16, wrong);
    }

    private static int[] Answer(ForwardSteps steps, KvCache cache, RetrievalPrompt prompt, CompressedWhen when)
    {
        if (when == CompressedWhen.Context)
        {
            steps.Prefill(cache, prompt.Context);
            steps.Prefill(cache, prompt.Question, logits: true);
        }
        else
        {
            int[] all = [.. prompt.Context, .. prompt.Question];
            steps.Prefill(cache, all.AsSpan(0, all.Length - 1));
            steps.Feed(cache, [all[^1]], LogitRows.Last);
        }

        var answer = new int[prompt.AnswerTokens];
        for (int i = 0; i < answer.Length; i++)
        {
            if (i > 0) steps.Feed(cache, [answer[i - 1]], LogitRows.Last);
            answer[i] = TensorPrimitives.IndexOfMax(steps.Logits());
        }

        return answer;
    }
}
