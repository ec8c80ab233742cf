namespace Kvasir.Structure.Tests;

// One type for each place in which another type can be named; what is declared here is only compiled and read, never run.
internal class SecretKey;

internal sealed class SecretProblem : Exception;

[AttributeUsage(AttributeTargets.Class)]
internal sealed class SecretMarkAttribute : Attribute;

internal static class Open
{
    public static int Count<T>() => typeof(T).Name.Length;

    public static SecretKey? Key() => null;
}

internal sealed class InBase : SecretKey;

[SecretMark]
internal sealed class InAttribute;

internal sealed class InField
{
    private readonly Func<List<SecretKey[]>>? _field = null;

    public bool IsSet => _field is not null;
}

internal sealed class InSignature
{
    public static bool IsGiven(ref readonly Dictionary<int, SecretKey>? keys) => keys is not null;
}

internal sealed class InConstraint
{
    public static bool IsGiven<T>(T? value) where T : SecretKey => value is not null;
}

internal sealed class InArgument
{
    public static int Count() => Open.Count<List<SecretKey>>();
}

/// <summary>Never says the name of what it gets.</summary>
internal sealed class InReturned
{
    public static bool IsThere() => Open.Key() is not null;
}

internal sealed class InLocal
{
    public static int Count()
    {
        SecretKey[][]? keys = null;
        for (int at = 0; at < 3; at++) keys ??= new SecretKey[at][];
        return keys!.Length;
    }
}

internal sealed class InLambda
{
    public static Func<object, bool> IsKey() => value => value is SecretKey;
}

internal sealed class InCatch
{
    public static bool Runs(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (SecretProblem)
        {
            return false;
        }
    }
}

internal sealed class InNested
{
    private sealed class Inner
    {
        public static async Task<bool> IsThere()
        {
            await Task.Yield();
            return typeof(SecretKey).IsPublic;
        }
    }

    public static Task<bool> IsThere() => Inner.IsThere();
}
