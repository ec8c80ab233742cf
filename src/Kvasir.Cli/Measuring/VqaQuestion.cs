using Kvasir.Vision;

namespace Kvasir.Cli.Measuring;

/// <summary>A question about a picture, in the form of ../shared/data/shapes.</summary>
/// <param name="Image">The picture's file.</param>
/// <param name="Type">What is asked for, such as color or count.</param>
/// <param name="Question">The question.</param>
/// <param name="Answer">Exactly what is to be said.</param>
internal sealed record VqaQuestion(string Image, string Type, string Question, string Answer)
{
    /// <summary>For a person.</summary>
    public string Name => $"{Path.GetFileName(Image)}: {Question}";

    /// <summary>The questions of a folder with questions.jsonl beside the pictures.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="types">Only of these types; all where there are none.</param>
    /// <param name="limit">Only the first ones; all where null.</param>
    /// <exception cref="InvalidInputException">There is no such file, or no such question.</exception>
    public static IReadOnlyList<VqaQuestion> Read(string folder, IReadOnlyList<string> types, int? limit)
    {
        VqaQuestion[] all = [.. JsonRecord.ReadLines(Path.Combine(folder, "questions.jsonl")).Select(line => new VqaQuestion(
            Path.Combine(folder, line.Text("image")), line.Text("type"), line.Text("question"), line.Text("answer")))];
        foreach (string type in types)
            if (!all.Any(question => question.Type == type))
                throw new InvalidInputException($"{folder}: no question of type '{type}' (there are "
                    + $"{string.Join(", ", all.Select(question => question.Type).Distinct())})");
        VqaQuestion[] chosen = [.. all.Where(question => types.Count == 0 || types.Contains(question.Type)).Take(limit ?? int.MaxValue)];
        return chosen.Length > 0 ? chosen : throw new InvalidInputException($"{folder}: questions.jsonl holds no question");
    }

    /// <summary>The prompt: the picture, a new line, the question, as the model's chat template puts them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="image">The picture.</param>
    /// <param name="embeddings">Takes in the picture's rows.</param>
    public RetrievalPrompt Prompt(Model model, EncodedImage image, InputEmbeddings embeddings)
    {
        string marker = image.Show(model.Tokenizer, embeddings);
        int[] ids = Session.EncodeChat(model.Tokenizer, model.ChatTemplate, [new ChatMessage("user", $"{marker}\n{Question}")], embeddings);
        int context = Array.FindLastIndex(ids, id => id < 0) + 1, answer = model.Tokenizer.Encode(Answer).Length + 1;
        return new RetrievalPrompt(Name, ids[..context], ids[context..], answer, said =>
        {
            int end = Array.FindIndex(said, model.Tokenizer.IsEndOfGeneration);
            return end >= 0 && model.Tokenizer.Decode(said.AsSpan(0, end)) == Answer ? 1 : 0;
        });
    }
}
