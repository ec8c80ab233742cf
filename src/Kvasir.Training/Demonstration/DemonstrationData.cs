using System.Collections;

namespace Kvasir.Training.Demonstration;

/// <summary>
/// Questions about made-up documents, for a small model to learn to answer from what stands before it: endless in training, 200 to test.
/// Example n depends on the seed, the split and n alone, and is the same on every machine.
/// </summary>
internal sealed class DemonstrationData(ulong seed, Split split) : IEnumerable<DemonstrationExample>
{
    /// <summary>Questions about the same passages, at most.</summary>
    public int Questions { get; init; } = 1;

    /// <summary>Whether most documents are no longer than the parts of one that are found for a question.</summary>
    public bool Brief { get; init; }

    /// <summary>
    /// Prompts in a hundred that are about a kind of document that speaks of anything (<see cref="Kind.IsCommon"/>), besides those that
    /// are by chance.
    /// </summary>
    public int CommonPercent { get; init; }

    /// <summary>Words that take the place of some values; null for none.</summary>
    public OpenWords? OpenWords { get; init; }

    /// <summary>Questions of the test.</summary>
    public const int TestQuestions = 200;

    private const int NotStatedPercent = 13;
    private const int QuestionTries = 20, LeastStated = 5;

    private static readonly Kind[] s_common = [.. Kind.All.Where(kind => kind.IsCommon)];
    private static readonly Kind[] s_known = [.. Kind.All.Where(kind => !kind.IsHeldOut), .. s_common];
    private static readonly Kind[] s_heldOut = [.. Kind.All.Where(kind => kind.IsHeldOut)];

    public DemonstrationExample this[long index]
    {
        get
        {
            var draws = new Draws(split, seed, (ulong)index, OpenWords);
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
    private DemonstrationExample? Make(Draws draws)
    {
        bool isBrief = Brief && draws.Chance(60);
        int count = draws.Pick([1, 1, 1, 1, 1, 1, 2, 2, 2, 3]);
        Kind kind = draws.Pick(draws.Split == Split.Test && draws.Chance(50) ? s_heldOut
            : CommonPercent > 0 && draws.Chance(CommonPercent) ? s_common : s_known);
        bool isShown = !draws.Chance(NotStatedPercent) || draws.Chance(70);
        int words = isBrief ? draws.Between(8, 45 / count) : count == 1 ? draws.Pick([40, 60, 80, 100, 130, 160, 200])
            : draws.Between(25, 150 / count);
        var asked = new Draft(kind, words, isTitled: count > 1, draws);
        string[] others = [.. Enumerable.Range(isShown ? 1 : 0, isShown ? count - 1 : count)
            .Select(_ => new Draft(draws.Chance(60) ? kind : draws.Pick(s_known), words, isTitled: count > 1, draws).Text)];
        string[] shown = isShown ? [asked.Text, .. others] : others;
        // The best passage stands last in a prompt, and most often it has the answer.
        int place = draws.Chance(60) ? shown.Length - 1 : draws.Below(shown.Length);
        Exchange[] exchanges = [.. Exchanges(asked, isShown, others, draws)];
        return exchanges.Length == 0 ? null : new DemonstrationExample(
            asked.Kind.Name, [.. shown[1..(place + 1)], shown[0], .. shown[(place + 1)..]], exchanges);
    }

    /// <summary>
    /// Questions with different answers, as many as are asked for and can be found: an answer that was given already could be copied from
    /// there. One in six at most is not stated, the first apart.
    /// </summary>
    private IEnumerable<Exchange> Exchanges(Draft asked, bool isShown, string[] others, Draws draws)
    {
        var known = new HashSet<string>();
        for (int tries = 0, notStated = 0; tries < QuestionTries * Questions && known.Count < Questions; tries++)
        {
            bool isStated = isShown && !draws.Chance(NotStatedPercent);
            if (Ask(asked, isShown, others, isStated, draws) is not { } exchange) continue;
            bool isNotStated = exchange.Answer == Exchange.NotStated;
            if (isNotStated && notStated * LeastStated > known.Count) continue;
            if (!known.Add(isNotStated ? exchange.Question : exchange.Answer)) continue;
            if (isNotStated) notStated++;
            yield return exchange;
        }
    }

    /// <summary>
    /// A question about a document, which is shown or not, that fits none of the others; null where the one that was drawn does not do.
    /// </summary>
    private static Exchange? Ask(Draft asked, bool isShown, string[] others, bool isStated, Draws draws)
    {
        if (asked.Question(isStated || !isShown) is not ({ } wording, { } statement)) return null;
        if (!FitsOnly(asked.Text, others, wording, statement)) return null;
        string shown = string.Join('\n', isShown ? others.Prepend(asked.Text) : others);
        string? answer = isStated ? StandsIn(asked.Text, statement.Values[wording.Slot])
            : statement.IsAbsentFrom(shown) ? Exchange.NotStated : null;
        return answer is null ? null
            : new Exchange(Spoken(asked.Asked(wording, statement), wording.Text[0] != '{', draws), answer);
    }

    /// <summary>
    /// Whether the subjects that a question names stand in the document, and where there are others it names something that they lack.
    /// </summary>
    private static bool FitsOnly(string text, string[] others, QuestionWording wording, Statement statement)
    {
        string[] names = [.. statement.Values.Keys.Where(name => wording.Text.Contains($"{{{name}}}", StringComparison.Ordinal))];
        return names.All(name => statement.Fact.Slots.Any(slot => slot.Name == name) || Draws.Holds(text, statement.Values[name]))
            && (others.Length == 0 || names.Any(name => !others.Any(other => Draws.Holds(other, statement.Values[name]))));
    }

    /// <summary>A value as it stands in a text, where it may begin a sentence.</summary>
    private static string? StandsIn(string text, string value) =>
        new[] { value, Draws.Capitalised(value) }.FirstOrDefault(form => text.Contains(form, StringComparison.Ordinal));

    /// <summary>A question as people write it: with a few words before it, or without capital letter and mark.</summary>
    private static string Spoken(string question, bool beginsWithWord, Draws draws)
    {
        string begun = beginsWithWord && !question.StartsWith("I ", StringComparison.Ordinal)
            ? string.Concat(question[..1].ToLowerInvariant(), question.AsSpan(1))
            : question;
        return draws.Below(100) switch
        {
            < 12 => begun.TrimEnd('?'),
            < 45 => $"{draws.Fill("{asking}", new Dictionary<string, string>())} {begun}",
            _ => question,
        };
    }
}
