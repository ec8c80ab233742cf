using System.ComponentModel;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Ingesting;
using Kvasir.Documents.Storage;
using Kvasir.Server.Collections;
using Kvasir.Server.Engine;
using Microsoft.Extensions.Logging;
using ModelContextProtocol;
using ModelContextProtocol.Server;

namespace Kvasir.Server.Mcp;

/// <summary>Documents as tools of the Model Context Protocol.</summary>
[McpServerToolType]
internal sealed partial class DocumentTools(DocumentCollections collections, ServedModels models, ILogger<DocumentTools> logger)
{
    private const int MostPassages = 50, MostTokens = 4096;

    [McpServerTool(Name = "ask_documents", ReadOnly = true)]
    [Description("Answers a question from a collection of documents, with the passages that the answer is from.")]
    public Task<string> AskAsync(
        [Description("The question")] string question, [Description("The collection; see list_documents")] string collection,
        [Description("The most tokens of the answer")] int maxTokens = 256, CancellationToken cancellation = default) =>
            Answered(async () =>
        {
            var options = new AskOptions { MaxTokens = Within(maxTokens, 1, MostTokens, "maxTokens") };
            (Answer answer, IAsyncEnumerable<string> pieces) = await collections.Get(Given(collection, "collection"))
                .AskAsync(Given(question, "question"), options, models.Engine, cancellation).ConfigureAwait(false);
            await foreach (string _ in pieces.ConfigureAwait(false))
            {
            }

            return Json(new
            {
                Answer = answer.Text.Trim(),
                Doubtful = answer.IsDoubtful,
                Passages = answer.Sources.Select(source => Citation.Passage(collection, source)),
            });
        });

    [McpServerTool(Name = "search_documents", ReadOnly = true)]
    [Description("Finds the passages of a collection that fit a query best.")]
    public Task<string> SearchAsync(
        [Description("What to look for")] string query, [Description("The collection; see list_documents")] string collection,
        [Description("How many passages")] int count = 5, CancellationToken cancellation = default) => Answered(async () =>
        {
            int most = Within(count, 1, MostPassages, "count");
            IReadOnlyList<Passage> found = await collections.Get(Given(collection, "collection"))
                .UseAsync(library => library.Search(Given(query, "query"), most), cancellation).ConfigureAwait(false);
            return Json(new { Passages = found.Select(passage => Citation.Passage(collection, passage)) });
        });

    [McpServerTool(Name = "ingest", Idempotent = true)]
    [Description("Takes a text into a collection as a file, which is made or replaced.")]
    public Task<string> IngestAsync(
        [Description("The collection; made where it is new")] string collection,
            [Description("The file's name, such as notes.md")] string file,
        [Description("The text")] string text, CancellationToken cancellation = default) => Answered(async () =>
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes(Given(text, "text")));
            IngestReport report = await collections.GetOrAdd(Given(collection, "collection"))
                .AddAsync(Given(file, "file"), content, null, cancellation).ConfigureAwait(false);
            return Json(new { report.Documents, report.Chunks, report.Tokens });
        });

    [McpServerTool(Name = "list_documents", ReadOnly = true)]
    [Description("Lists the collections, or the files of one.")]
    public Task<string> ListAsync(
        [Description("The collection; leave it out for the names of all")] string? collection = null,
            CancellationToken cancellation = default) =>
        Answered(async () =>
        {
            if (string.IsNullOrEmpty(collection)) return Json(new { Collections = collections.Names() });
            IReadOnlyList<StoredFileInfo> files = await collections.Get(collection).FilesAsync(cancellation).ConfigureAwait(false);
            return Json(new { Files = files.Select(file => new { File = Path.GetFileName(file.Path), file.Chunks, file.Tokens }) });
        });

    /// <summary>What is wrong with a call is told to the model, which may mend it; what is wrong here is told to the log.</summary>
    private async Task<string> Answered(Func<Task<string>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (KvasirException refused)
        {
            throw new McpException(refused.Message, refused);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            LogFailure(logger, failure);
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A tool failed")]
    private static partial void LogFailure(ILogger logger, Exception failure);

    /// <summary>Clients may send null where a text is asked for.</summary>
    private static string Given(string? text, string name) =>
        string.IsNullOrWhiteSpace(text) ? throw new InvalidInputException($"{name}: give a text") : text;

    private static int Within(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw new InvalidInputException($"{name}: give {least} to {most}");

    private static string Json(object value) => JsonSerializer.Serialize(value, value.GetType(), Requests.Answers.Json);
}
