namespace Kvasir.Training.Demonstration;

/// <summary>A document of some kind: its text, what it states, and what it could have stated and does not.</summary>
internal sealed class Draft
{
    private readonly Draws _draws;
    private readonly Kind _kind;
    private readonly Layout _layout;
    private readonly Dictionary<string, string> _subjects = new(StringComparer.Ordinal);
    private readonly List<Statement[]> _stated = [];
    private readonly List<Fact> _leftOut = [];

    /// <param name="kind">Its kind.</param>
    /// <param name="words">It ends soon after so many.</param>
    /// <param name="isTitled">Whether it surely says what it is about.</param>
    /// <param name="draws">Chance.</param>
    public Draft(Kind kind, int words, bool isTitled, Draws draws)
    {
        (_draws, _kind) = (draws, kind);
        draws.BeginDocument();
        _layout = new Layout(draws, kind);
        foreach ((string name, string type) in kind.Subjects) _subjects[name] = draws.Value(type, _subjects);
        string? title = isTitled || draws.Chance(80) ? _layout.Filled(draws.Pick(kind.Titles), _subjects) : null;
        string[] fillers = [.. draws.Shuffled(kind.Fillers).Take(draws.Below(4)).Select(filler => _layout.Filled(filler, _subjects))];
        ChooseFacts(words);
        Text = _layout.Text(title, _stated, fillers);
    }

    public string Text { get; }

    public Kind Kind => _kind;

    /// <summary>A question of this split and the statement that it is about, which is stated or not; null where there is none.</summary>
    public (QuestionWording Wording, Statement Statement)? Question(bool isStated)
    {
        if (isStated ? _stated.Count == 0 : _leftOut.Count == 0) return null;
        Statement statement = isStated ? _draws.Pick(_draws.Pick(_stated)) : Draw(_draws.Pick(_leftOut));
        return (_draws.Pick(statement.Fact.Questions(_draws.Split, _kind.IsHeldOut)), statement);
    }

    public string Asked(QuestionWording wording, Statement statement) => _layout.Filled(wording.Text, statement.Values);

    /// <summary>States facts until there are words enough; the others, and a further row of those that are rows, are left out.</summary>
    private void ChooseFacts(int words)
    {
        int written = 0;
        foreach (Fact fact in _draws.Shuffled(_kind.Facts))
        {
            bool isStated = written < words && _stated.Count < _kind.Facts.Count - 1;
            if (!isStated || fact.IsRow) _leftOut.Add(fact);
            if (!isStated) continue;
            Statement[] rows = [.. Enumerable.Range(0, fact.IsRow ? _draws.Between(fact.Least, fact.Most) : 1).Select(_ => Draw(fact))];
            _stated.Add(rows);
            written += rows.Sum(row => _draws.Fill(fact.AllSentences[0], row.Values).Count(c => c == ' ') + 1);
        }
    }

    private Statement Draw(Fact fact)
    {
        var values = new Dictionary<string, string>(_subjects, StringComparer.Ordinal);
        foreach ((string name, string type) in fact.Slots) values[name] = _draws.Value(type, _subjects);
        return new Statement(fact, values);
    }
}
