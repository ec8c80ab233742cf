namespace Kvasir.Server.Tests;

/// <summary>Tests that look at the whole process, or use the whole machine: no other runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
