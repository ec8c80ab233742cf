using System.Text.RegularExpressions;
using Kvasir.Training.Data;
using Kvasir.Training.Demonstration;

namespace Kvasir.Training.Tests.Demonstration;

public sealed partial class DemonstrationDataTests
{
    private static readonly DemonstrationData s_train = new(1, Split.Train), s_test = new(1, Split.Test);

    [Fact]
    public void The_same_seed_gives_the_same_examples_and_another_one_others()
    {
        DemonstrationExample[] first = [.. s_train.Take(50)];
        Assert.Equal(first.Select(Whole), new DemonstrationData(1, Split.Train).Take(50).Select(Whole));
        Assert.Equal(Whole(first[49]), Whole(s_train[49]));
        Assert.Empty(new DemonstrationData(2, Split.Train).Take(50).Select(Whole).Intersect(first.Select(Whole)));
    }

    [Fact]
    public void Chance_is_the_same_on_every_machine()
    {
        var draws = new Draws(Split.Train, 1, 3);
        Assert.Equal("632 413 738 202 222 595", string.Join(' ', Enumerable.Range(0, 6).Select(_ => draws.Below(1000))));
        Assert.Equal("4 2 0 3 1 5", string.Join(' ', draws.Shuffled([0, 1, 2, 3, 4, 5])));
        Assert.Equal([0, 8, 11, 19], Enumerable.Range(0, 20).Where(n => Draws.IsUnseen($"Ada Novak {n}")));
    }

    [Fact]
    public void Twenty_thousand_examples_have_an_answer_in_one_passage_or_say_that_there_is_none()
    {
        int notStated = 0, several = 0;
        Parallel.For(0, 20_000, index =>
        {
            DemonstrationExample example = s_train[index];
            bool none = example.Answer == Exchange.NotStated;
            bool stands = example.Passages.Any(passage => passage.Contains(example.Answer, StringComparison.Ordinal));
            Assert.True(none || stands, Whole(example));
            Assert.False(Whole(example).Contains('{'), Whole(example));
            Assert.InRange(example.Passages.Sum(Words), 2, 420);
            if (none) Interlocked.Increment(ref notStated);
            if (example.Passages.Count > 1) Interlocked.Increment(ref several);
        });

        Assert.InRange(notStated, 2_000, 4_000);
        Assert.InRange(several, 6_000, 10_000);
    }

    [Fact]
    public void What_is_asked_and_not_stated_stands_nowhere_in_the_document()
    {
        int asked = 0;
        for (ulong n = 0; n < 500; n++)
        {
            var draft = new Draft(Kind.All[(int)n % Kind.All.Count], 60, isTitled: true, new Draws(Split.Train, 9, n));
            if (draft.Question(isStated: false) is not ({ } wording, { } statement)) continue;
            bool absent = !Holds(draft.Text, statement.Values[wording.Slot]);
            if (statement.IsAbsentFrom(draft.Text)) Assert.True(absent, draft.Text + statement.Values[wording.Slot]);
            asked += statement.IsAbsentFrom(draft.Text) ? 1 : 0;
        }

        Assert.InRange(asked, 400, 500);
        Assert.True(new Statement(new Fact(1, 0, [["Fee"]], [("fee", "money")]), Values("fee", "€12")).IsAbsentFrom("It costs €120."));
        Assert.False(new Statement(new Fact(1, 0, [["Fee"]], [("fee", "money")]), Values("fee", "€12")).IsAbsentFrom("It costs €12."));
    }

    /// <summary>What was answered before could be copied from there.</summary>
    [Fact]
    public void No_answer_about_the_same_passages_is_given_twice_and_few_are_not_stated()
    {
        int several = 0;
        foreach (DemonstrationExample example in new DemonstrationData(1, Split.Train) { Questions = 12 }.Take(500))
        {
            string[] stated = [.. example.Exchanges.Select(exchange => exchange.Answer).Where(answer => answer != Exchange.NotStated)];
            Assert.Equal(stated.Length, stated.Distinct().Count());
            Assert.Equal(example.Exchanges.Count, example.Exchanges.DistinctBy(exchange => exchange.Question).Count());
            Assert.InRange(example.Exchanges.Count - stated.Length, 0, 1 + example.Exchanges.Count / 5);
            if (example.Exchanges.Count > 4) several++;
        }
        Assert.InRange(several, 250, 500);
    }

    [Fact]
    public void No_wording_kind_or_name_of_the_test_is_trained_on()
    {
        foreach (Fact fact in Kind.All.Where(kind => !kind.IsHeldOut).SelectMany(kind => kind.Facts))
        {
            Assert.Empty(fact.Sentences(Split.Train, false).Intersect(fact.Sentences(Split.Test, false)));
            Assert.Empty(fact.Questions(Split.Train, false).Intersect(fact.Questions(Split.Test, false)));
            foreach ((string slot, _) in fact.Slots.Take(fact.IsRow ? 0 : 9))
                Assert.True(fact.Questions(Split.Train, false).Any(question => question.Slot == slot), slot);
        }

        HashSet<string> heldOut = [.. Kind.All.Where(kind => kind.IsHeldOut).Select(kind => kind.Name)];
        Assert.DoesNotContain(s_train.Take(500), example => heldOut.Contains(example.Kind));
        DemonstrationExample[] tested = [.. s_test];
        Assert.Equal(200, tested.Length);
        Assert.InRange(tested.Count(example => heldOut.Contains(example.Kind)), 70, 130);
        var names = new Dictionary<string, string>();
        foreach (Split split in Enum.GetValues<Split>())
        {
            var draws = new Draws(split, 4, 0);
            for (int i = 0; i < 300; i++) Assert.Equal(split == Split.Test, Draws.IsUnseen(draws.Value("person", names)));
        }
    }

    [Fact]
    public void Every_brace_of_a_kind_names_a_slot_or_a_subject()
    {
        Assert.True(Kind.All.Count >= 24);
        foreach (Kind kind in Kind.All)
        {
            string[] subjects = [.. kind.Subjects.Select(subject => subject.Name)];
            Assert.All([.. kind.Titles, .. kind.Fillers], line => AssertNames(kind, line, subjects));
            foreach (Fact fact in kind.Facts)
            {
                string[] slots = [.. fact.Slots.Select(slot => slot.Name)];
                Assert.All(fact.AllSentences, line => AssertNames(kind, line, [.. subjects, .. slots]));
                Assert.All(fact.AllSentences, line => Assert.True(
                    slots.All(slot => line.Contains($"{{{slot}}}") || line.Contains($"{{^{slot}}}")), $"{kind.Name}: {line}"));
                foreach (QuestionWording question in fact.AllQuestions)
                {
                    AssertNames(kind, question.Text, [.. subjects, .. slots.Where(slot => slot != question.Slot)]);
                    Assert.True(slots.Contains(question.Slot), $"{kind.Name}: {question}");
                    bool saysWhich = slots.Any(slot => question.Text.Contains($"{{{slot}}}"));
                    Assert.True(saysWhich || !fact.IsRow || fact.Most == 1, $"{kind.Name}: {question.Text}");
                }
            }
        }
    }

    [Fact]
    public void No_two_facts_of_a_kind_are_asked_for_in_the_same_words() => Assert.All(Kind.All, kind =>
        Assert.Empty(kind.Facts.SelectMany(fact => fact.AllQuestions.Select(question => (question.Text, fact)))
            .GroupBy(question => question.Text).Where(same => same.Count() > 1).Select(same => $"{kind.Name}: {same.Key}")));

    [Fact]
    public void Only_the_answer_is_learned_and_its_tokens_are_those_of_the_passage()
    {
        var example = new DemonstrationExample("note", ["The key is with Ada Novak."], [new Exchange("Who has the key?", "Ada Novak")]);
        string[] texts = [.. example.Passages, "Who has the key? Ada Novak Ada Novak"];
        Kvasir.Tokenization.Tokenizer tokenizer = BpeTrainer.Train(texts, 300, [BpeVocabulary.EndOfText]).ToTokenizer();
        Example encoded = DemonstrationPrompt.Encode(example, tokenizer);
        int[] answer = [.. encoded.Tokens.Where((_, i) => encoded.Learned![i])];
        Assert.Equal(" Ada Novak", tokenizer.Decode(answer.AsSpan(0, answer.Length - 1)));
        Assert.Equal((0, 0), (answer[^1], encoded.Tokens[0]));
        int[] passage = tokenizer.Encode(example.Passages[0], parseSpecial: false, addSpecial: false);
        Assert.Contains(Enumerable.Range(0, passage.Length), i => passage.AsSpan(i).StartsWith(answer.AsSpan(0, answer.Length - 1)));
    }

    [GeneratedRegex(@"\{\^?(\w+)\}")]
    private static partial Regex Name();

    private static Dictionary<string, string> Values(string name, string value) => new() { [name] = value };

    private static void AssertNames(Kind kind, string line, string[] names) =>
        Assert.All(Name().Matches(line), brace => Assert.True(names.Contains(brace.Groups[1].Value), $"{kind.Name}: {line}"));

    private static bool Holds(string text, string part) => Regex.IsMatch(
        text, @$"(?<![\p{{L}}\p{{Nd}}]){Regex.Escape(part)}(?![\p{{L}}\p{{Nd}}])", RegexOptions.IgnoreCase, TimeSpan.FromSeconds(1));

    private static int Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    private static string Whole(DemonstrationExample example) =>
        $"[{example.Kind}]\n{string.Join("\n\n", example.Passages)}\n\nQ: {example.Question}\nA: {example.Answer}";

    [Fact]
    public void Kinds_that_speak_of_anything_come_as_often_as_is_asked_for()
    {
        int Common(int percent) => new DemonstrationData(1, Split.Train) { CommonPercent = percent }.Take(1000)
            .Count(example => Kind.All.First(kind => kind.Name == example.Kind).IsCommon);
        Assert.InRange(Common(0), 40, 180);
        Assert.InRange(Common(50), 450, 650);
    }
}
