namespace Kvasir.Tokenization.Jinja;

/// <summary>
/// The state of one rendering: output, innermost scope, current line, and what a hostile template may still spend. A step is about what
/// looking at one value or at 16 characters costs; steps and room for text are taken before the work is done.
/// </summary>
/// <param name="globals">Variables of the template.</param>
/// <param name="clock">What <c>strftime_now</c> reads.</param>
/// <param name="inputCharacters">Size of the variables: long conversations may do more work than short ones.</param>
/// <param name="cancellation">Ends the rendering.</param>
internal sealed class RenderContext(Scope globals, TimeProvider clock, long inputCharacters, CancellationToken cancellation)
{
    private const long MaxSteps = 5_000_000;
    private const long MaxCharacters = 64_000_000;
    private const int MaxTextLength = 16_000_000;
    private const int MaxItems = 1_000_000;
    private const int MaxDepth = 400;
    private const int StepsBetweenLooks = 10_000;
    private static readonly TimeSpan s_maxTime = TimeSpan.FromSeconds(10);

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly TimeSpan _maxTime = s_maxTime * (1 + (inputCharacters / 1_000_000));
    private long _steps = MaxSteps + (4 * inputCharacters);
    private long _nextLook = MaxSteps + (4 * inputCharacters) - StepsBetweenLooks;
    private long _characters = MaxCharacters + (64 * inputCharacters);
    private int _depth;

    public TimeProvider Clock { get; } = clock;

    public Scope Scope { get; set; } = globals;

    /// <summary>Line of what is being run, for messages.</summary>
    public int Line { get; private set; } = 1;

    public StringBuilder Output { get; private set; } = new();

    /// <summary>Begins a part of the template; <see cref="Leave"/> ends it with the line that is returned here.</summary>
    public int Enter(int line)
    {
        int outer = Line;
        Line = line;
        Charge(1);
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new InvalidInputException("expressions, blocks or macro calls are nested too deeply");

        return outer;
    }

    public void Leave(int outer)
    {
        Line = outer;
        _depth--;
    }

    /// <summary>Takes <paramref name="steps"/> from what the template may still do.</summary>
    public void Charge(long steps)
    {
        _steps -= steps;
        if (_steps < _nextLook) Look();
    }

    /// <summary>Takes the cost of running over a text.</summary>
    public void ChargeText(object? value)
    {
        if (value is string text) Charge(text.Length / 16);
    }

    /// <summary>Takes the cost of looking for one text in another, which for long patterns may be the product of the lengths.</summary>
    public void ChargeSearch(string text, string pattern)
    {
        const int ShortPattern = 64;
        long places = Math.Max(0, text.Length - pattern.Length + 1);
        Charge((text.Length / 16) + (pattern.Length > ShortPattern ? places * pattern.Length / 1024 : 0));
    }

    /// <summary>Takes the cost of a list of this many items, before it is made.</summary>
    public void ChargeItems(long count)
    {
        if (count > MaxItems) throw new InvalidInputException($"a list of more than {MaxItems} items is too long");
        Charge(count);
    }

    /// <summary>Checks that a text of this length may be made, before it is.</summary>
    public int Room(long length) =>
        length <= MaxTextLength && length <= _characters
            ? (int)Math.Max(0, length) : throw new InvalidInputException("it makes too much text");

    /// <summary>Accounts for a text that was made.</summary>
    public string Text(string text)
    {
        _characters -= Room(text.Length);
        return text;
    }

    public void Write(string text)
    {
        Room(Output.Length + (long)text.Length);
        Output.Append(Text(text));
    }

    /// <summary>What <paramref name="body"/> writes, as a text instead of output.</summary>
    public string Capture(Statement body)
    {
        StringBuilder outer = Output;
        Output = new StringBuilder();
        body.Execute(this);
        string text = Output.ToString();
        Output = outer;
        return text;
    }

    /// <summary>Runs with the variables of another scope.</summary>
    public T InScope<T>(Scope scope, Func<T> run)
    {
        Scope outer = Scope;
        Scope = scope;
        T result = run();
        Scope = outer;
        return result;
    }

    private void Look()
    {
        cancellation.ThrowIfCancellationRequested();
        if (_steps < 0 || Stopwatch.GetElapsedTime(_started) > _maxTime)
            throw new InvalidInputException("it does not come to an end in reasonable time");

        _nextLook = Math.Max(0, _steps - StepsBetweenLooks);
    }
}
