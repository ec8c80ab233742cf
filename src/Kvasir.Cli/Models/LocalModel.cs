namespace Kvasir.Cli.Models;

internal enum ModelKind
{
    /// <summary>Continues text.</summary>
    Chat,

    /// <summary>Gives sentence embeddings.</summary>
    Embedding,

    /// <summary>A part of another model, such as an image encoder, or a vocabulary without weights.</summary>
    Part,

    /// <summary>Cannot be read.</summary>
    Damaged,
}

/// <summary>A model on this machine.</summary>
/// <param name="Name">File or folder name without <c>.gguf</c>.</param>
/// <param name="Path">The GGUF file or Hugging Face folder.</param>
/// <param name="Bytes">Size on disk.</param>
/// <param name="Architecture">As in its metadata; the reason where it is damaged.</param>
/// <param name="Kind">What it can be used for.</param>
internal sealed record LocalModel(string Name, string Path, long Bytes, string Architecture, ModelKind Kind)
{
    /// <summary>Looks at a file or folder.</summary>
    public static LocalModel Read(string path)
    {
        string name = NameOf(path);
        try
        {
            long bytes = Directory.Exists(path)
                ? new DirectoryInfo(path).EnumerateFiles().Sum(file => file.Length) : new FileInfo(path).Length;
            using ModelFile file = ModelFiles.Open(path);
            string architecture = file.Get("general.architecture", "unknown");
            return new LocalModel(name, path, bytes, architecture, KindOf(file, architecture));
        }
        catch (Exception error) when (error is InvalidInputException or IOException or UnauthorizedAccessException)
        {
            return new LocalModel(name, path, 0, error.Message, ModelKind.Damaged);
        }
    }

    public static string NameOf(string path)
    {
        string file = System.IO.Path.GetFileName(path);
        return file.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? file[..^".gguf".Length] : file;
    }

    private static ModelKind KindOf(ModelFile file, string architecture)
    {
        bool isPart = architecture is "clip" or "vocab" || file.Get("general.type", "model") != "model" || file.Tensors.Count == 0;
        return isPart ? ModelKind.Part
            : architecture.Contains("bert", StringComparison.OrdinalIgnoreCase) || file.Get($"{architecture}.pooling_type", 0L) > 0
                ? ModelKind.Embedding
            : ModelKind.Chat;
    }
}
