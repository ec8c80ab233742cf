using Kvasir.Cache.Eviction;
using Kvasir.Models;

namespace Kvasir.Calibration;

/// <summary>The attention that a prompt's images get from the question behind them.</summary>
internal static class QuestionAttention
{
    /// <summary>[layers][image tokens]; the prompt's last token is left out, as it is where a cache is cut before it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">The prompt, with images in it.</param>
    /// <param name="embeddings">The images' rows.</param>
    /// <param name="cancellation">Ends the work between slices of 512 tokens.</param>
    /// <exception cref="InvalidInputException">It is longer than the model's context, or holds unknown ids.</exception>
    public static float[][] OfImages(Model model, int[] ids, InputEmbeddings embeddings, CancellationToken cancellation = default)
    {
        ReadOnlySpan<int> prompt = ids.AsSpan(..^1);
        var region = new EvictionRegion(0, prompt.Length, 0, prompt, isPrompt: true);
        int[] images = region.Images;
        var score = new QuestionScore();
        return [.. PromptObservation.Of(model, prompt, score.NeedsOf(region), embeddings, cancellation)
            .Select(layer => score.Score(layer)[0]).Select(received => images.Select(token => received[token]).ToArray())];
    }
}
