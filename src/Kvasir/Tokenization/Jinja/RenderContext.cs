using System.Runtime.CompilerServices;
using System.Text;

namespace Kvasir.Tokenization.Jinja;

/// <summary>
/// The state of one rendering: output, innermost scope, current line, and what a hostile template may still spend.
/// </summary>
internal sealed class RenderContext
{
    private const long MaxSteps = 5_000_000;
    private const long MaxCharacters = 64_000_000;
    private const int MaxTextLength = 16_000_000;
    private const int MaxDepth = 400;

    private long _steps;
    private long _characters;
    private int _depth;

    /// <param name="globals">Variables of the template.</param>
    /// <param name="clock">What <c>strftime_now</c> reads.</param>
    /// <param name="inputCharacters">Size of the variables: long conversations may do more work than short ones.</param>
    public RenderContext(Scope globals, TimeProvider clock, long inputCharacters)
    {
        Scope = globals;
        Clock = clock;
        _steps = MaxSteps + (4 * inputCharacters);
        _characters = MaxCharacters + (64 * inputCharacters);
    }

    public TimeProvider Clock { get; }

    public Scope Scope { get; set; }

    /// <summary>Line of what is being run, for messages.</summary>
    public int Line { get; private set; } = 1;

    public StringBuilder Output { get; private set; } = new();

    /// <summary>Begins a node of the template; <see cref="Leave"/> ends it.</summary>
    public void Enter(int line)
    {
        Line = line;
        Charge(1);
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new InvalidInputException("expressions, blocks or macro calls are nested too deeply");
        }
    }

    public void Leave() => _depth--;

    /// <summary>Takes <paramref name="steps"/> from what the template may still do.</summary>
    public void Charge(long steps)
    {
        _steps -= steps;
        if (_steps < 0)
        {
            throw new InvalidInputException("it does not come to an end in reasonable time");
        }
    }

    /// <summary>Takes the cost of running over a text.</summary>
    public void ChargeText(object? value) => Charge((value as string)?.Length / 16 ?? 0);

    /// <summary>Takes the cost of looking for one text in another, which for long patterns may be the product of the lengths.</summary>
    public void ChargeSearch(string text, string pattern)
    {
        const int ShortPattern = 64;
        long worst = pattern.Length > ShortPattern ? text.Length * (long)pattern.Length / 1024 : 0;
        Charge((text.Length / 16) + worst);
    }

    /// <summary>Checks that a text of this length may be made, before it is.</summary>
    public void Room(long length)
    {
        if (length > MaxTextLength || length > _characters)
        {
            throw new InvalidInputException("it makes too much text");
        }
    }

    /// <summary>Accounts for a text that was made.</summary>
    public string Text(string text)
    {
        Room(text.Length);
        _characters -= text.Length;
        return text;
    }

    public void Write(string text)
    {
        Room(Output.Length + (long)text.Length);
        _characters -= text.Length;
        Output.Append(text);
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
}
