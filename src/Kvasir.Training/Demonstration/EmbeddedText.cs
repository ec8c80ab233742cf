using System.Reflection;

namespace Kvasir.Training.Demonstration;

/// <summary>The text files of this folder, which are part of the program.</summary>
internal static class EmbeddedText
{
    private const string Kinds = "kinds/";

    /// <summary>The lines of a file that hold anything.</summary>
    public static string[] Lines(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not part of the program");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>The files of kinds of document, by name.</summary>
    public static IEnumerable<string> KindFiles() =>
        Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(name => name.StartsWith(Kinds, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
}
