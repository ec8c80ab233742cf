using System.Numerics;

namespace Kvasir.Tokenization.Jinja;

/// <summary>Python's arithmetic: integers of any size, / always a float, // and % rounding down.</summary>
internal static class Arithmetic
{
    public static object? Apply(RenderContext context, string operation, object? left, object? right)
    {
        if (left is Undefined || (right is Undefined && !(operation == "%" && left is string)))
            throw ((left as Undefined) ?? (Undefined)right!).Fail();
        return (operation, left, right) switch
        {
            ("+", string a, string b) => Joined(context, a, b),
            ("+", Sequence { HasPlaces: true } a, Sequence b) when a.Kind == b.Kind => Joined(context, a, b),
            ("%", string format, _) => context.Text(PercentFormat.Apply(context, format, right)),
            ("*", string or Sequence, _) when Numbers.TryLong(right, out long count) => Repeat(context, left, count),
            ("*", _, string or Sequence) when Numbers.TryLong(left, out long count) => Repeat(context, right, count),
            _ => OfNumbers(context, operation, left, right)
                ?? throw new InvalidInputException(
                    $"'{operation}' does not work on {Operations.TypeName(left)} and {Operations.TypeName(right)}"),
        };
    }

    public static object Negate(object? value) => value switch
    {
        double number => -number,
        Undefined undefined => throw undefined.Fail(),
        _ when Numbers.TryInteger(value, out BigInteger integer) => Numbers.Of(-integer),
        _ => throw new InvalidInputException($"{Operations.TypeName(value)} cannot be negated"),
    };

    private static object? OfNumbers(RenderContext context, string operation, object? left, object? right)
    {
        if (!Numbers.IsNumber(left) || !Numbers.IsNumber(right)) return null;
        bool integers = left is not double && right is not double;
        if (integers && operation != "/" && Small(operation, left, right) is { } small) return (long)small;
        if (integers && operation != "/" && Numbers.TryInteger(left, out BigInteger a) && Numbers.TryInteger(right, out BigInteger b))
        {
            if (operation != "**" || b.Sign >= 0) return Numbers.Of(OfIntegers(context, operation, a, b));
        }

        Numbers.TryDouble(left, out double x);
        Numbers.TryDouble(right, out double y);
        if (operation is "/" or "//" or "%" && y == 0) throw DivisionByZero();
        return operation switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / y,
            "//" => Math.Floor((x - Modulo(x, y)) / y + 0.5),
            "%" => Modulo(x, y),
            _ => Power(x, y),
        };
    }

    /// <summary>The usual case: two integers of 64 bits whose result fits; else null.</summary>
    private static Int128? Small(string operation, object? left, object? right)
    {
        if (!Numbers.TryLong(left, out long a) || !Numbers.TryLong(right, out long b)) return null;
        Int128 result = operation switch { "+" => (Int128)a + b, "-" => (Int128)a - b, "*" => (Int128)a * b, _ => Int128.MaxValue };
        return result >= long.MinValue && result <= long.MaxValue ? result : null;
    }

    private static BigInteger OfIntegers(RenderContext context, string operation, BigInteger a, BigInteger b)
    {
        if (operation is "//" or "%" && b.IsZero) throw DivisionByZero();
        if (operation is "*" or "//" or "%") Numbers.CheckBits(context, a.GetBitLength() + b.GetBitLength());
        switch (operation)
        {
            case "+": return a + b;
            case "-": return a - b;
            case "*": return a * b;
            case "**":
                if (BigInteger.Abs(a) <= 1) return b.IsZero || a.IsOne || (a == -1 && b.IsEven) ? 1 : a;
                Numbers.CheckBits(context, (double)b * a.GetBitLength());
                return BigInteger.Pow(a, (int)b);
            default:
                BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger rest);
                bool down = !rest.IsZero && (rest.Sign < 0) != (b.Sign < 0);
                return operation == "//" ? quotient - (down ? 1 : 0) : rest + (down ? b : 0);
        }
    }

    private static double Modulo(double x, double y)
    {
        double rest = x % y;
        return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest == 0 ? Math.CopySign(0, y) : rest;
    }

    private static double Power(double x, double y) => x switch
    {
        0 when y < 0 => throw DivisionByZero(),
        < 0 when !double.IsInteger(y) && double.IsFinite(y) =>
            throw new InvalidInputException("a power of a negative number with a broken exponent is no number"),
        _ => Math.Pow(x, y) is var power && double.IsInfinity(power) && double.IsFinite(x) && double.IsFinite(y)
            ? throw new InvalidInputException("the result of '**' is too large for a float") : power,
    };

    private static InvalidInputException DivisionByZero() => new("division by zero");

    private static string Joined(RenderContext context, string a, string b)
    {
        context.Room(a.Length + (long)b.Length);
        return context.Text(a + b);
    }

    private static Sequence Joined(RenderContext context, Sequence a, Sequence b)
    {
        context.ChargeItems(a.Items.Count + (long)b.Items.Count);
        return new Sequence([.. a.Items, .. b.Items], a.Kind);
    }

    private static object Repeat(RenderContext context, object value, long count)
    {
        count = Math.Clamp(count, 0, int.MaxValue);
        if (value is Sequence list)
        {
            context.ChargeItems(list.Items.Count * count);
            count = list.Items.Count == 0 ? 0 : count;
            return new Sequence([.. Enumerable.Repeat(list.Items, (int)count).SelectMany(items => items)], list.Kind);
        }

        string text = (string)value;
        if (text.Length == 0) return text;
        context.Room(text.Length * count);
        return context.Text(text.Length == 1 ? new string(text[0], (int)count) : string.Concat(Enumerable.Repeat(text, (int)count)));
    }
}
