namespace Kvasir.Cli.Measuring;

/// <summary>A policy, and the text that the user gave for it.</summary>
internal sealed record NamedPolicy(string Text, KvPolicy Policy);
