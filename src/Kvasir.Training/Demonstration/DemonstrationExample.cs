namespace Kvasir.Training.Demonstration;

/// <summary>A question and its answer.</summary>
/// <param name="Question">What is asked.</param>
/// <param name="Answer">A part of one passage as it stands there, or <see cref="NotStated"/>.</param>
internal sealed record Exchange(string Question, string Answer)
{
    public const string NotStated = "not stated";
}

/// <summary>Questions about passages, of which at most one has the answers.</summary>
/// <param name="Kind">The kind of document that is asked about, for people.</param>
/// <param name="Passages">In the order in which they stand in the prompt.</param>
/// <param name="Exchanges">One behind another, as in a conversation.</param>
internal sealed record DemonstrationExample(string Kind, IReadOnlyList<string> Passages, IReadOnlyList<Exchange> Exchanges)
{
    /// <summary>What is asked first.</summary>
    public string Question => Exchanges[0].Question;

    public string Answer => Exchanges[0].Answer;
}
