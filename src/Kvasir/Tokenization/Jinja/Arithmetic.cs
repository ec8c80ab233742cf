namespace Kvasir.Tokenization.Jinja;

/// <summary>Python's arithmetic: integers of 64 bits, / always a float, // and % rounding down.</summary>
internal static class Arithmetic
{
    private const int MaxItems = 1_000_000;

    public static object? Apply(RenderContext context, string operation, object? left, object? right)
    {
        if (left is Undefined || right is Undefined)
        {
            throw ((left as Undefined) ?? (Undefined)right!).Fail();
        }

        try
        {
            return Structures(context, operation, left, right) ?? Numbers(operation, left, right)
                ?? throw new InvalidInputException($"'{operation}' does not work on {Operations.TypeName(left)} and {Operations.TypeName(right)}");
        }
        catch (OverflowException error)
        {
            throw new InvalidInputException($"the result of '{operation}' does not fit 64 bits", error);
        }
        catch (DivideByZeroException error)
        {
            throw new InvalidInputException("division by zero", error);
        }
    }

    public static object Negate(object? value) => value switch
    {
        double number => (object)-number,
        Undefined undefined => throw undefined.Fail(),
        _ when Operations.TryInteger(value, out long integer) => integer == long.MinValue ? throw new InvalidInputException("the result of '-' does not fit 64 bits") : -integer,
        _ => throw new InvalidInputException($"{Operations.TypeName(value)} cannot be negated"),
    };

    private static object? Structures(RenderContext context, string operation, object? left, object? right) => (operation, left, right) switch
    {
        ("+", string a, string b) => Concatenate(context, a, b),
        ("+", Sequence a, Sequence b) when a.Kind == b.Kind => Join(context, a, b),
        ("%", string format, _) => PercentFormat.Apply(context, format, right),
        ("*", string text, _) when Operations.TryInteger(right, out long count) => Repeat(context, text, count),
        ("*", _, string text) when Operations.TryInteger(left, out long count) => Repeat(context, text, count),
        ("*", Sequence list, _) when Operations.TryInteger(right, out long count) => Repeat(context, list, count),
        _ => null,
    };

    private static object? Numbers(string operation, object? left, object? right)
    {
        if (Operations.TryInteger(left, out long a) && Operations.TryInteger(right, out long b))
        {
            return operation switch
            {
                "+" => (object)checked(a + b),
                "-" => checked(a - b),
                "*" => checked(a * b),
                "/" => b == 0 ? throw new DivideByZeroException() : (double)a / b,
                "//" => FloorDivide(a, b),
                "%" => checked(a - (FloorDivide(a, b) * b)),
                "**" => b >= 0 ? (object)Power(a, b) : a == 0 ? throw new DivideByZeroException() : Math.Pow(a, b),
                _ => null,
            };
        }

        if (!Operations.TryNumber(left, out double x) || !Operations.TryNumber(right, out double y))
        {
            return null;
        }

        return operation switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => y == 0 ? throw new DivideByZeroException() : x / y,
            "//" => y == 0 ? throw new DivideByZeroException() : Math.Floor(x / y),
            "%" => y == 0 ? throw new DivideByZeroException() : x - (Math.Floor(x / y) * y),
            "**" => Math.Pow(x, y),
            _ => null,
        };
    }

    private static long FloorDivide(long a, long b)
    {
        long quotient = checked(a / b);
        return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
    }

    private static long Power(long value, long exponent)
    {
        long result = 1;
        for (long left = exponent; left > 0 && (result != 0 || left == exponent); left--)
        {
            if (value is 0 or 1)
            {
                return value;
            }

            if (value == -1)
            {
                return left % 2 == 0 ? 1 : -1;
            }

            result = checked(result * value);
        }

        return result;
    }

    private static string Concatenate(RenderContext context, string a, string b)
    {
        context.Room(a.Length + (long)b.Length);
        return context.Text(a + b);
    }

    private static Sequence Join(RenderContext context, Sequence a, Sequence b)
    {
        Check(context, a.Items.Count + (long)b.Items.Count);
        return new Sequence([.. a.Items, .. b.Items], a.Kind);
    }

    private static string Repeat(RenderContext context, string text, long count)
    {
        if (count <= 0 || text.Length == 0)
        {
            return "";
        }

        context.Room(count > int.MaxValue ? long.MaxValue : text.Length * count);
        return context.Text(text.Length == 1 ? new string(text[0], (int)count) : string.Concat(Enumerable.Repeat(text, (int)count)));
    }

    private static Sequence Repeat(RenderContext context, Sequence list, long count)
    {
        count = Math.Max(0, count);
        Check(context, count > MaxItems ? long.MaxValue : list.Items.Count * count);
        return new Sequence([.. Enumerable.Repeat(list.Items, (int)count).SelectMany(items => items)], list.Kind);
    }

    private static void Check(RenderContext context, long count)
    {
        if (count > MaxItems)
        {
            throw new InvalidInputException($"a list of more than {MaxItems} items is too long");
        }

        context.Charge(count);
    }
}
