using System.Text.Json;
using Kvasir.Documents;
using Kvasir.Documents.Ingesting;
using Kvasir.Models;

namespace Kvasir.Benchmarks;

/// <summary>
/// How often a question finds a document that answers it: <c>retrieval MODEL ENCODER FOLDER</c>, where the folder holds documents
/// (<c>docs.jsonl</c>) and questions that name theirs (<c>questions.jsonl</c>). No KV is computed.
/// </summary>
internal static class RetrievalQuality
{
    private const int Among = 5;

    public static int Run(string[] args)
    {
        if (args is not [var modelPath, var encoderPath, var data])
            throw new InvalidInputException("retrieval MODEL ENCODER FOLDER: name two models and a folder");
        string folder = Path.Combine(Path.GetTempPath(), $"kvasir-retrieval-{Guid.NewGuid():N}");
        try
        {
            using Model model = Model.Load(modelPath), encoder = Model.Load(encoderPath);
            Ask(folder, model, encoder, data, "with embeddings");
            Ask(folder, model, null, data, "words alone");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static void Ask(string folder, Model model, Model? encoder, string data, string how)
    {
        using var library = DocumentLibrary.Open(folder, model, encoder);
        library.Store.SetKvQuota(1);
        IngestReport ingested = library.Ingest([Path.Combine(data, "docs.jsonl")]);
        int questions = 0, first = 0, among = 0;
        foreach (string line in File.ReadLines(Path.Combine(data, "questions.jsonl")))
        {
            JsonElement question = JsonDocument.Parse(line).RootElement;
            string[] answering = question.TryGetProperty("answer_doc_ids", out JsonElement several)
                ? [.. several.EnumerateArray().Select(id => id.GetString()!)] : [question.GetProperty("doc_id").GetString()!];
            if (answering.Length == 0) continue;
            string?[] found =
                [.. library.Search(question.GetProperty("question").GetString()!, Among).Select(passage => passage.DocumentId)];
            questions++;
            first += answering.Contains(found.FirstOrDefault()) ? 1 : 0;
            among += found.Any(answering.Contains) ? 1 : 0;
        }

        Console.WriteLine($"{ingested.Chunks} chunks, {how}: first {first}, among {Among} {among} of {questions}");
    }
}
