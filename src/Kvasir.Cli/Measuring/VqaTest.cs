using Kvasir.Vision;

namespace Kvasir.Cli.Measuring;

/// <summary>Questions about pictures, each prompt computed as it is and cut as a policy says.</summary>
internal sealed class VqaTest(Model model, ImageEncoder encoder, KvPolicy policy, CompressedWhen when, Terminal terminal)
{
    private readonly InputEmbeddings _embeddings = new(model.Config.Width);
    private readonly Dictionary<string, EncodedImage> _images = new(StringComparer.Ordinal);

    /// <inheritdoc cref="StoredVqaTest.Run"/>
    public RetrievalTest Run(string label, IReadOnlyList<VqaQuestion> questions)
    {
        RetrievalPrompt[] prompts = [.. questions.Select(question => question.Prompt(model, Image(question.Image), _embeddings))];
        foreach (RetrievalPrompt prompt in prompts)
            if (prompt.Length > model.Config.ContextLength)
                throw new InvalidInputException(
                    $"{prompt.Name} needs {prompt.Length} tokens, but the model's context holds {model.Config.ContextLength}");
        return RetrievalTest.Run(model, policy, prompts, when, terminal, label, _embeddings);
    }

    private EncodedImage Image(string file) => _images.TryGetValue(file, out EncodedImage? known) ? known
        : _images[file] = encoder.Encode(file);
}
