using Kvasir.Documents.Asking;
using Kvasir.Documents.Ingesting;
using Kvasir.Documents.Storage;
using Kvasir.Server.Requests;
using Microsoft.AspNetCore.Http.Features;

namespace Kvasir.Server.Collections;

/// <summary><c>/documents</c>: collections, and files in them.</summary>
internal sealed class DocumentEndpoints(DocumentCollections collections, ServerOptions options)
{
    private const int MostPassages = 50, MostQuestionCharacters = 10_000;

    public static IReadOnlyList<Field> SearchFields { get; } =
    [
        new("query", "string", "What to look for", Required: true), new("count", "integer", "Passages, 1 to 50; default 5"),
    ];

    public Task CollectionsAsync(HttpContext context) => Answers.WriteAsync(context, new { Collections = collections.Names() });

    public async Task ListAsync(HttpContext context)
    {
        DocumentCollection collection = collections.Get(Value(context, "name"));
        IReadOnlyList<StoredFileInfo> files = await collection.FilesAsync(context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, new
        {
            collection.Name,
            Files = files.Select(file => new { File = Path.GetFileName(file.Path), file.Documents, file.Chunks, file.Tokens }),
        }).ConfigureAwait(false);
    }

    /// <summary>The body is the file. With <c>Accept: application/x-ndjson</c>, a line for each chunk that is done.</summary>
    public async Task UploadAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = options.MostDocumentBytes;
        string file = Value(context, "file");
        DocumentCollection collection = collections.GetOrAdd(Value(context, "name"));
        bool tells = context.Request.Headers.Accept.Any(accept =>
            accept?.Contains("application/x-ndjson", StringComparison.OrdinalIgnoreCase) == true);
        if (!tells)
        {
            await Answers.WriteAsync(
                context, Report(await collection.AddAsync(file, context.Request.Body, null, context.RequestAborted).ConfigureAwait(false)))
                .ConfigureAwait(false);
            return;
        }

        var progress = new LatestProgress();
        Task<IngestReport> adding = collection.AddAsync(file, context.Request.Body, progress, context.RequestAborted);
        bool began = false;
        await Answers.StreamAsync(context, value => Answers.WriteLineAsync(context, value), async write =>
        {
            while (await Task.WhenAny(adding, Task.Delay(200, context.RequestAborted)).ConfigureAwait(false) != adding)
            {
                if (progress.Take() is not { } now) continue;
                if (!began) Answers.BeginStream(context, "application/x-ndjson");
                began = true;
                await write(new { now.Share, now.Chunks, now.Tokens }).ConfigureAwait(false);
            }

            object report = Report(await adding.ConfigureAwait(false));
            if (!began) Answers.BeginStream(context, "application/x-ndjson");
            await write(report).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    public async Task ShowAsync(HttpContext context)
    {
        DocumentCollection collection = collections.Get(Value(context, "name"));
        IReadOnlyList<Passage> chunks = await collection.ChunksAsync(Value(context, "file"), context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(
            context, new { Chunks = chunks.Select(chunk => new { chunk.DocumentId, chunk.Title, chunk.Chunk, chunk.Text }) })
            .ConfigureAwait(false);
    }

    public async Task RemoveAsync(HttpContext context)
    {
        await collections.Get(Value(context, "name")).RemoveAsync(Value(context, "file"), context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, new { Removed = true }).ConfigureAwait(false);
    }

    public async Task SearchAsync(HttpContext context)
    {
        var fields = new RequestReader(await RequestBody.ReadAsync(context).ConfigureAwait(false), SearchFields);
        string query = fields.Text("query", MostQuestionCharacters)!;
        int count = (int)(fields.Whole("count", 1, MostPassages) ?? 5);
        if (string.IsNullOrWhiteSpace(query)) throw fields.Wrong("query", "give at least one word");
        DocumentCollection collection = collections.Get(Value(context, "name"));
        IReadOnlyList<Passage> found = await collection.UseAsync(open => open.Search(query, count), context.RequestAborted)
            .ConfigureAwait(false);
        await Answers.WriteAsync(context, new { Passages = found.Select(passage => Citation.Passage(collection.Name, passage)) })
            .ConfigureAwait(false);
    }

    /// <summary>What an ingest did; a file that cannot be read is refused.</summary>
    private static object Report(IngestReport report) => report.Skipped is [{ Reason: var reason }, ..] && report.Documents == 0
        ? throw RequestException.Bad($"the file cannot be read as text: {reason}")
        : new
        {
            report.Documents,
            report.Chunks,
            report.Tokens,
            report.ComputedChunks,
            report.KvBytes,
            Seconds = report.Elapsed.TotalSeconds,
        };

    private static string Value(HttpContext context, string name) => (string)context.Request.RouteValues[name]!;

    /// <summary>The newest progress, told on the thread that computes and read on another.</summary>
    private sealed class LatestProgress : IProgress<IngestProgress>
    {
        private object? _latest;

        public void Report(IngestProgress value) => Volatile.Write(ref _latest, value);

        public IngestProgress? Take() => (IngestProgress?)Interlocked.Exchange(ref _latest, null);
    }
}
