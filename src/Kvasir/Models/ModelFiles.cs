using Kvasir.Formats;

namespace Kvasir.Models;

/// <summary>Opens the files of models: for looking into them without loading the model.</summary>
public static class ModelFiles
{
    /// <summary>Opens a GGUF file (any part of a split one) or a Hugging Face folder of an architecture that can be run.</summary>
    /// <exception cref="InvalidInputException">Not a model, truncated, damaged, or of an unknown kind.</exception>
    public static ModelFile Open(string path) => ModelFile.Open(path, Architecture.FileNames);
}
