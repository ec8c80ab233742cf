using System.Security.Cryptography;
using Kvasir.Tokenization;
using Kvasir.Training.Data;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Runs;

/// <summary>Texts, of which the vocabulary is learned too.</summary>
internal sealed class TextSource : ScratchSource
{
    /// <summary>The end of every text that is kept for validation where none is given: a twentieth.</summary>
    private const double HeldOut = 0.05;

    private readonly Validation _validation;

    /// <param name="texts">What to learn from.</param>
    /// <param name="validation">What to validate on; null to keep the end of each text for it.</param>
    /// <param name="settings">Sizes and steps.</param>
    /// <param name="vocabulary">The vocabulary where there is one already.</param>
    /// <exception cref="InvalidInputException">Too little text.</exception>
    public TextSource(IReadOnlyList<string> texts, string? validation, ScratchSettings settings, BpeVocabulary? vocabulary = null)
    {
        string[] learned = validation is null ? [.. texts.Select(text => text[..Cut(text)])] : [.. texts];
        Vocabulary = vocabulary ?? BpeTrainer.Train(learned, settings.Vocabulary, [BpeVocabulary.EndOfText]);
        Tokenizer tokenizer = Vocabulary.ToTokenizer();
        int[] ids = Encode(tokenizer, learned);
        int[] held = Encode(tokenizer, validation is null ? [.. texts.Select(text => text[Cut(text)..])] : [validation]);
        Data = new TextWindows(ids, settings.Context, settings.Seed);
        _validation = new Validation(held, settings.Training().SequencesOfAPass, settings.Context);
        Identity = "text " + Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids)))[..16];
    }

    public override BpeVocabulary Vocabulary { get; }

    public override TrainingData Data { get; }

    public override string Identity { get; }

    public override Validated Validate(LlamaModel model, Crew crew) => new(_validation.Perplexity(model, crew));

    private static int[] Encode(Tokenizer tokenizer, IEnumerable<string> texts) =>
        [.. texts.SelectMany(text => tokenizer.Encode(text, parseSpecial: false).Prepend(tokenizer.EndOfText))];

    /// <summary>Where the part for validation begins, never inside a pair of surrogates.</summary>
    private static int Cut(string text)
    {
        int at = (int)(text.Length * (1 - HeldOut));
        return at > 0 && at < text.Length && char.IsLowSurrogate(text[at]) ? at - 1 : at;
    }
}
