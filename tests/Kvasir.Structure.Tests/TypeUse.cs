namespace Kvasir.Structure.Tests;

/// <summary>A type (nested ones count as the outermost) and another that its metadata or code names; full names.</summary>
internal readonly record struct TypeUse(string User, string Used)
{
    public string UserNamespace => Namespace(User);

    public string UsedNamespace => Namespace(Used);

    private static string Namespace(string type) => type[..Math.Max(0, type.LastIndexOf('.'))];
}
