namespace Kvasir.Documents.Tests;

/// <summary>A text on many subjects, and what people ask of it in other words than its own.</summary>
internal static class HouseRules
{
    public static string File { get; } = Path.Combine(AppContext.BaseDirectory, "house-rules.md");

    public static string[] Questions { get; } =
    [
        "What if I can't find my key any more?",
        "Can the janitor take a package for me?",
        "When am I allowed to drill?",
        "I want to celebrate my birthday here, what must I do?",
        "How much is it to wash clothes?",
        "How do I reserve the washing machine?",
        "Where do empty bottles go?",
        "What do I do with an old couch?",
        "My radiator is not getting warm, who do I call?",
        "There is a leak in my kitchen, what now?",
        "Am I allowed to have a puppy?",
        "Is barbecuing permitted?",
        "Who gives out the plots for growing tomatoes?",
        "By when do I have to pay each month?",
        "How long before leaving must I tell the landlord?",
        "When do I get my security back?",
        "How heavy can a load in the elevator be?",
        "Where can my guests leave their cars?",
        "Can I plug in my EV?",
        "Who pays for a dripping tap?",
    ];
}
