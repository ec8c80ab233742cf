namespace Kvasir.Demo;

/// <summary>
/// The model that comes with Kvasir: it finds answers in the passages before it and knows nothing else. <c>docs/training.md</c> has its
/// recipe.
/// </summary>
public static class DemonstrationModel
{
    /// <summary>What it is called where models are named.</summary>
    public const string Name = "demonstration";

    /// <summary>The GGUF file, beside the program.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, Name + ".gguf");

    /// <summary>Whether a path is this model's.</summary>
    public static bool Is(string path) => string.Equals(path, Path, StringComparison.Ordinal);
}
