namespace Kvasir.Training.Demonstration;

/// <summary>A question about passages, of which at most one has the answer.</summary>
/// <param name="Kind">The kind of document that is asked about, for people.</param>
/// <param name="Passages">In the order in which they stand in the prompt.</param>
/// <param name="Question">What is asked.</param>
/// <param name="Answer">A part of one passage as it stands there, or <see cref="NotStated"/>.</param>
internal sealed record DemonstrationExample(string Kind, IReadOnlyList<string> Passages, string Question, string Answer)
{
    public const string NotStated = "not stated";
}
