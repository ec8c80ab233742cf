using System.Numerics.Tensors;
using Kvasir.Formats;
using Kvasir.Models;
using Kvasir.Tokenization;
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

    /// <summary>The same for another vocabulary: a token begins as the mean of those that its text was made of.</summary>
    public TrainedModel With(BpeVocabulary other)
    {
        Tokenizer tokenizer = Vocabulary.ToTokenizer(), next = other.ToTokenizer();
        Dictionary<string, int> known = Vocabulary.Tokens.Index().ToDictionary(token => token.Item, token => token.Index);
        int[][] pieces = [.. other.Tokens.Select((token, id) =>
            known.TryGetValue(token, out int same) ? [same] : tokenizer.Encode(next.Decode([id]), parseSpecial: false))];
        LlamaShape shape = Model.Shape with { Vocabulary = other.Tokens.Count };
        Parameter embedding = Means(Model.Parameters.Embedding, pieces);
        LlamaParameters parameters = Model.Parameters with
        {
            Embedding = embedding,
            Output = Model.Parameters.Tied ? embedding : Means(Model.Parameters.Output, pieces),
        };
        return new TrainedModel(Model with { Shape = shape, Parameters = parameters }, other);
    }

    private static Parameter Means(Parameter rows, int[][] pieces)
    {
        var means = new Parameter(rows.Name, pieces.Length, rows.Columns) { Trains = rows.Trains };
        for (int row = 0; row < pieces.Length; row++)
        {
            Span<float> mean = means.Values.AsSpan(row * rows.Columns, rows.Columns);
            foreach (int piece in pieces[row])
                TensorPrimitives.Add(mean, rows.Values.AsSpan(piece * rows.Columns, rows.Columns), mean);
            TensorPrimitives.Divide(mean, pieces[row].Length, mean);
        }
        return means;
    }
}
