namespace Kvasir.Training.Demonstration;

/// <summary>A fact with values for its slots.</summary>
/// <param name="Fact">Which one.</param>
/// <param name="Values">Those of the slots and of the document's subjects, by name.</param>
internal sealed record Statement(Fact Fact, IReadOnlyDictionary<string, string> Values)
{
    public string Value(int slot) => Values[Fact.Slots[slot].Name];

    /// <summary>Whether none of its values stands in a text.</summary>
    public bool IsAbsentFrom(string text) => !Fact.Slots.Any(slot => Draws.Holds(text, Values[slot.Name]));
}
