namespace Kvasir.Training.Demonstration;

/// <summary>
/// A kind of document, from one text file. Its lines begin with what they are: <c>held-out</c> for a kind that is kept from training,
/// <c>common</c> for one that is drawn twice as often, <c>=</c> a subject's name and type (the town that is described, say), <c>#</c> a
/// title, <c>~</c> a sentence that states nothing,
/// <c>+</c> a fact (<see cref="Fact.Parse"/>), and below it <c>-</c> a way to say it and <c>?</c> a way to ask for the slot that stands
/// behind it. Braces name slots and subjects.
/// </summary>
internal sealed class Kind
{
    private readonly List<Fact> _facts = [];
    private readonly List<string> _titles = [], _fillers = [];
    private readonly List<(string Name, string Type)> _subjects = [];

    private Kind(string file)
    {
        Name = Path.GetFileNameWithoutExtension(file);
        foreach (string line in EmbeddedText.Lines(file)) Read(line);
    }

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<Kind> All { get; } = [.. EmbeddedText.KindFiles().Select(file => new Kind(file))];

    public string Name { get; }

    /// <summary>Whether the whole kind is kept from training.</summary>
    public bool IsHeldOut { get; private set; }

    /// <summary>
    /// Whether it is drawn twice as often as others: one that speaks of anything, so that no vocabulary is learned by heart.
    /// </summary>
    public bool IsCommon { get; private set; }

    public IReadOnlyList<(string Name, string Type)> Subjects => _subjects;

    public IReadOnlyList<string> Titles => _titles;

    public IReadOnlyList<string> Fillers => _fillers;

    public IReadOnlyList<Fact> Facts => _facts;

    private void Read(string line)
    {
        string rest = line[1..].TrimStart();
        switch (line[0])
        {
            case 'h': IsHeldOut = true; break;
            case 'c': IsCommon = true; break;
            case '=': _subjects.Add((rest.Split(' ')[0], rest.Split(' ')[1])); break;
            case '#': _titles.Add(rest); break;
            case '~': _fillers.Add(rest); break;
            case '+': _facts.Add(Fact.Parse(rest)); break;
            case '-': _facts[^1].AddSentence(rest); break;
            case '?': _facts[^1].AddQuestion(line[1..]); break;
            default: throw new InvalidDataException($"{Name}: {line}");
        }
    }
}
