// One endpoint that answers questions from a folder of documents. Settings (--Documents, --Model, --Encoder, --Store) come from the command
// line, the environment or appsettings.json.
using Kvasir;
using Kvasir.Demo;
using Kvasir.Documents.Asking;
using Kvasir.Extensions.AI;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddKvasir(options =>
{
    options.ModelPath = builder.Configuration["Model"] ?? DemonstrationModel.Path;
    options.EncoderPath = builder.Configuration["Encoder"];
});
builder.Services.AddKvasirDocuments(builder.Configuration["Store"] ?? "example-store");
WebApplication app = builder.Build();

string folder = app.Configuration["Documents"] ?? "samples";
await app.Services.GetRequiredService<KvasirDocuments>().UseAsync(library => library.Ingest([folder]));

app.MapPost("/ask", async (Question question, KvasirDocuments documents, CancellationToken cancellation) =>
{
    try
    {
        return Results.Ok(await documents.UseAsync(library =>
        {
            Answer answer = library.Ask(question.Text, new AskOptions { MaxTokens = 64 }, cancellation);
            Source[] sources = [.. answer.Sources.Select(source => new Source(Path.GetFileName(source.File), source.Text))];
            return new Reply(answer.Complete(), sources);
        }, cancellation));
    }
    catch (InvalidInputException error)
    {
        return Results.BadRequest(new { error.Message });
    }
});
await app.RunAsync();

internal sealed record Question(string Text);

internal sealed record Reply(string Text, IReadOnlyList<Source> Sources);

internal sealed record Source(string File, string Text);
