namespace Kvasir.Tokenization.Jinja;

/// <summary><c>if</c>, <c>elif</c>, <c>else</c>.</summary>
internal sealed class IfStatement(IReadOnlyList<KeyValuePair<Expression, Statement>> branches, Statement? otherwise, int line) : Statement(line)
{
    protected override Flow Run(RenderContext context)
    {
        foreach ((Expression condition, Statement body) in branches)
        {
            if (Operations.IsTrue(condition.Evaluate(context))) return body.Execute(context);
        }

        return otherwise?.Execute(context) ?? Flow.Next;
    }
}
