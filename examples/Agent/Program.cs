// An agent that is given the best passages of a folder of documents with every question. A model that calls tools can look for them
// itself: SearchTime = TextSearchProviderOptions.TextSearchBehavior.OnDemandFunctionCalling.
using Kvasir.Demo;
using Kvasir.Extensions.AI;
using Kvasir.Generation;
using Kvasir.Models;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;

if (args is not [var folder, var question, ..])
{
    Console.Error.WriteLine("give a folder of documents, a question, and if you like the GGUF files of a model and of a sentence encoder");
    return 2;
}

using Model model = Model.Load(args.ElementAtOrDefault(2) ?? DemonstrationModel.Path);
using Model? encoder = args.Length > 3 ? Model.Load(args[3]) : null;
using var engine = new EngineLoop(model);
using var client = new KvasirChatClient(engine, Path.GetFileNameWithoutExtension(model.Path));
using var documents = new KvasirDocuments("example-store", model, encoder);
await documents.UseAsync(library => library.Ingest([folder]));

var sources = new List<DocumentPassage>();
var agent = new ChatClientAgent(client, new ChatClientAgentOptions
{
    Name = "reader",
    ChatOptions = new ChatOptions { MaxOutputTokens = 64 },
    AIContextProviders =
    [
        new TextSearchProvider(SearchAsync, new TextSearchProviderOptions
        {
            // Small models answer what they read last: the question once more, behind the passages.
            ContextFormatter = found =>
                $"{string.Join("\n\n", found.Select(one => one.Text))}\n\nFind the answer in the text above: {question}",
        }),
    ],
});
await foreach (AgentResponseUpdate update in agent.RunStreamingAsync(question)) Console.Write(update.Text);
Console.WriteLine();
foreach (DocumentPassage source in sources) Console.WriteLine($"  from {source.File}: {source.Title}");
return 0;

async Task<IEnumerable<TextSearchProvider.TextSearchResult>> SearchAsync(string text, CancellationToken cancellation)
{
    await foreach (VectorSearchResult<DocumentPassage> found in documents.HybridSearchAsync(text, [], top: 1, null, cancellation))
        sources.Add(found.Record);
    return sources.Select(source => new TextSearchProvider.TextSearchResult
    {
        SourceName = source.Title,
        SourceLink = source.File,
        Text = source.Text,
    });
}
