using System.Collections;

namespace Kvasir.Training.Demonstration;

/// <summary>
/// Questions about made-up documents, for a small model to learn to answer from what stands before it: endless in training, 200 to test.
/// Example n depends on the seed, the split and n alone, and is the same on every machine.
/// </summary>
internal sealed class DemonstrationData(ulong seed, Split split) : IEnumerable<DemonstrationExample>
{
    /// <summary>Questions of the test.</summary>
    public const int TestQuestions = 200;

    private const int NotStatedPercent = 15;
    private const int QuestionTries = 20;

    private static readonly Kind[] s_known = [.. Kind.All.Where(kind => !kind.IsHeldOut)];
    private static readonly Kind[] s_heldOut = [.. Kind.All.Where(kind => kind.IsHeldOut)];

    public DemonstrationExample this[long index]
    {
        get
        {
            var draws = new Draws(split, seed, (ulong)index);
            while (true)
            {
                draws.BeginPrompt();
                if (Make(draws) is { } example) return example;
            }
        }
    }

    public IEnumerator<DemonstrationExample> GetEnumerator()
    {
        for (long index = 0; split == Split.Train || index < TestQuestions; index++) yield return this[index];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>An example, or null where what was drawn does not give a question with a clear answer.</summary>
    private static DemonstrationExample? Make(Draws draws)
    {
        int count = draws.Pick([1, 1, 1, 1, 1, 1, 2, 2, 2, 3]);
        Kind kind = draws.Pick(draws.Split == Split.Test && draws.Chance(50) ? s_heldOut : s_known);
        Draft[] documents = new Draft[count];
        for (int i = 0; i < count; i++)
        {
            int words = count == 1 ? draws.Pick([40, 60, 80, 100, 130, 160, 200]) : draws.Between(25, 150 / count);
            documents[i] = new Draft(i == 0 || draws.Chance(60) ? kind : draws.Pick(s_known), words, isTitled: count > 1, draws);
        }

        bool isStated = !draws.Chance(NotStatedPercent);
        for (int tries = 0; tries < QuestionTries; tries++)
            if (Ask(documents[0], [.. documents[1..].Select(document => document.Text)], isStated, draws) is { } example) return example;
        return null;
    }

    /// <summary>A question about a document that fits none of the others, or null where the one that was drawn does not do.</summary>
    private static DemonstrationExample? Ask(Draft asked, string[] others, bool isStated, Draws draws)
    {
        if (asked.Question(isStated) is not ({ } wording, { } statement) || !FitsNoneOf(others, wording, statement)) return null;
        string? answer = isStated ? StandsIn(asked.Text, statement.Values[wording.Slot])
            : statement.IsAbsentFrom(string.Join('\n', [asked.Text, .. others])) ? DemonstrationExample.NotStated : null;
        if (answer is null) return null;

        // The best passage stands last in a prompt, and most often it has the answer.
        int place = draws.Chance(60) ? others.Length : draws.Below(others.Length + 1);
        return new DemonstrationExample(asked.Kind.Name, [.. others[..place], asked.Text, .. others[place..]],
            Spoken(asked.Asked(wording, statement), wording.Text[0] != '{', draws), answer);
    }

    /// <summary>Whether there are no other documents, or the question names something that none of them has.</summary>
    private static bool FitsNoneOf(string[] others, QuestionWording wording, Statement statement) =>
        others.Length == 0 || statement.Values.Any(value => wording.Text.Contains($"{{{value.Key}}}", StringComparison.Ordinal)
            && !others.Any(other => Draws.Holds(other, value.Value)));

    /// <summary>A value as it stands in a text, where it may begin a sentence.</summary>
    private static string? StandsIn(string text, string value) =>
        new[] { value, Draws.Capitalised(value) }.FirstOrDefault(form => text.Contains(form, StringComparison.Ordinal));

    /// <summary>A question as people write it: with a few words before it, or without capital letter and mark.</summary>
    private static string Spoken(string question, bool beginsWithWord, Draws draws)
    {
        string begun = beginsWithWord && !question.StartsWith("I ", StringComparison.Ordinal)
            ? string.Concat(question[..1].ToLowerInvariant(), question.AsSpan(1))
            : question;
        if (draws.Chance(12)) return begun.TrimEnd('?');
        string asking = draws.Fill("{asking}", new Dictionary<string, string> { ["q"] = "" });
        return asking.Length == 0 ? question : asking.TrimEnd() + " " + begun;
    }
}
