namespace Kvasir.Training.Demonstration;

/// <summary>A way to ask for one slot of a fact.</summary>
internal sealed record QuestionWording(string Slot, string Text);

/// <summary>
/// Something that a kind of document can state: slots with typed values, ways to say it and ways to ask for it. The last way to say it and,
/// for each slot, to ask for it are kept from training.
/// </summary>
/// <param name="Least">How often it is stated with other values, at least.</param>
/// <param name="Most">At most; 0 for a fact that is stated once.</param>
/// <param name="Labels">What each slot is called in lists and tables, in several ways.</param>
/// <param name="Slots">Names and types.</param>
internal sealed record Fact(int Least, int Most, string[][] Labels, (string Name, string Type)[] Slots)
{
    private readonly List<string> _sentences = [];
    private readonly List<QuestionWording> _questions = [];

    /// <summary>Whether it is one row of several: a question must then say which.</summary>
    public bool IsRow => Most > 0;

    public IReadOnlyList<string> AllSentences => _sentences;

    public IReadOnlyList<QuestionWording> AllQuestions => _questions;

    /// <summary>Reads <c>2-4 Label/Other label|Label: slot=type slot</c>.</summary>
    public static Fact Parse(string line)
    {
        int colon = line.LastIndexOf(": ", StringComparison.Ordinal);
        string labels = line[..colon];
        int least = 1, most = 0;
        if (char.IsDigit(labels[0]))
        {
            string[] range = labels[..labels.IndexOf(' ')].Split('-');
            (least, most) = (int.Parse(range[0], CultureInfo.InvariantCulture), int.Parse(range[1], CultureInfo.InvariantCulture));
            labels = labels[(labels.IndexOf(' ') + 1)..];
        }

        return new Fact(least, most, [.. labels.Split('|').Select(label => label.Split('/'))],
            [.. line[(colon + 2)..].Split(' ').Select(slot => slot.Split('=')).Select(parts => (parts[0], parts[^1]))]);
    }

    public void AddSentence(string text) => _sentences.Add(text);

    /// <summary>Adds <c>slot question</c>, or <c> question</c> for the first slot.</summary>
    public void AddQuestion(string line)
    {
        int space = line.IndexOf(' ');
        _questions.Add(new QuestionWording(space == 0 ? Slots[0].Name : line[..space], line[(space + 1)..]));
    }

    /// <summary>The ways to say it that belong to a split; in a kind that is itself kept from training, all of them.</summary>
    public IReadOnlyList<string> Sentences(Split split, bool kindIsUnseen) =>
        kindIsUnseen ? _sentences : split == Split.Train ? _sentences[..^1] : _sentences[^1..];

    /// <summary>The ways to ask for something of it that belong to a split, as for <see cref="Sentences"/>.</summary>
    public IReadOnlyList<QuestionWording> Questions(Split split, bool kindIsUnseen) =>
        kindIsUnseen ? _questions : [.. _questions.Where(question => IsLastOfSlot(question) == (split == Split.Test))];

    private bool IsLastOfSlot(QuestionWording question) => _questions.FindLast(other => other.Slot == question.Slot) == question;
}
