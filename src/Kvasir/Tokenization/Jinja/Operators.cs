namespace Kvasir.Tokenization.Jinja;

/// <summary><c>a + b</c> and the other arithmetic operators.</summary>
internal sealed class ArithmeticExpression(string operation, Expression left, Expression right, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => Arithmetic.Apply(context, operation, left.Evaluate(context), right.Evaluate(context));
}

/// <summary><c>-a</c> or <c>+a</c>.</summary>
internal sealed class SignExpression(bool negative, Expression operand, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context)
    {
        object? value = operand.Evaluate(context);
        object negated = Arithmetic.Negate(value);
        return negative ? negated : Arithmetic.Negate(negated);
    }
}

/// <summary><c>a ~ b ~ c</c>: the texts of all, joined.</summary>
internal sealed class ConcatenationExpression(IReadOnlyList<Expression> parts, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context)
    {
        var texts = new string[parts.Count];
        long length = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = Representation.Text(context, parts[i].Evaluate(context));
            context.Room(length += texts[i].Length);
        }

        return context.Text(string.Concat(texts));
    }
}

/// <summary><c>a &lt; b &lt;= c</c>, <c>a in b</c>: true where every neighbouring pair compares so.</summary>
internal sealed class ComparisonExpression(Expression first, IReadOnlyList<KeyValuePair<string, Expression>> rest, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context)
    {
        object? left = first.Evaluate(context);
        foreach ((string operation, Expression operand) in rest)
        {
            object? right = operand.Evaluate(context);
            if (!Holds(context, operation, left, right)) return false;
            left = right;
        }

        return true;
    }

    public static bool Holds(RenderContext context, string operation, object? left, object? right) => operation switch
    {
        "==" => Operations.AreEqual(context, left, right),
        "!=" => !Operations.AreEqual(context, left, right),
        "in" => Iteration.Contains(context, right, left),
        "not in" => !Iteration.Contains(context, right, left),
        "<" => Operations.Compare(context, left, right) < 0,
        "<=" => Operations.Compare(context, left, right) <= 0,
        ">" => Operations.Compare(context, left, right) > 0,
        _ => Operations.Compare(context, left, right) >= 0,
    };
}

/// <summary><c>a and b</c>, <c>a or b</c>: the operand that decides.</summary>
internal sealed class LogicExpression(bool isAnd, Expression left, Expression right, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context)
    {
        object? value = left.Evaluate(context);
        return Operations.IsTrue(value) == isAnd ? right.Evaluate(context) : value;
    }
}

/// <summary><c>not a</c>.</summary>
internal sealed class NotExpression(Expression operand, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => !Operations.IsTrue(operand.Evaluate(context));
}

/// <summary><c>a if b else c</c>; undefined where the condition is false and there is no else.</summary>
internal sealed class ConditionalExpression(Expression value, Expression condition, Expression? otherwise, int line) : Expression(line)
{
    protected override object? Compute(RenderContext context) => Operations.IsTrue(condition.Evaluate(context))
        ? value.Evaluate(context)
        : otherwise is null ? new Undefined("an inline if without else gave no value") : otherwise.Evaluate(context);
}
