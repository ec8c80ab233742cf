using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Training.Data;

namespace Kvasir.Training.Models;

/// <summary>A model that was trained here, to go on with: its weights, all of which train, and its vocabulary.</summary>
internal sealed record TrainedModel(LlamaImport Model, BpeVocabulary Vocabulary)
{
    /// <exception cref="InvalidInputException">Not a model, or not one that <c>train</c> makes.</exception>
    public static TrainedModel Read(string path)
    {
        using ModelFile file = ModelFiles.Open(path);
        LlamaImport model = LlamaImport.Read(file);
        foreach (Parameter parameter in model.Parameters.All) parameter.Trains = true;
        return new TrainedModel(model, BpeVocabulary.Read(file));
    }
}
