using System.Net.Http.Json;
using Kvasir.Extensions.AI;
using Kvasir.Server.Hosting;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Embeddings;

namespace Kvasir.Server.Tests;

/// <summary>On the real model and encoder.</summary>
public sealed class RealModelTests
{
    [SkippableFact]
    public async Task Question_about_a_document_is_answered_with_the_passage_that_says_it()
    {
        using Model model = Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        using Model encoder = Model.Load(SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"));
        using var folder = new TemporaryFolder();
        await using KvasirServer server = await KvasirServer.StartAsync(
            model, encoder, new ServerOptions { Port = 0, DocumentsFolder = folder.Path });
        using var http = new HttpClient { BaseAddress = server.Address };
        using var text = new StringContent(
            "The mayor of Yarcliff is Odette Brandt.\n\nThe harbour is closed in winter.\n\nThe library opens at nine.");
        (await http.PutAsync(new Uri("/documents/town/files/town.txt", UriKind.Relative), text)).EnsureSuccessStatusCode();
        using HttpResponseMessage response = await http.PostAsJsonAsync(new Uri("/v1/chat/completions", UriKind.Relative), new
        {
            model = "kvasir/docs:town",
            messages = new[] { new { role = "user", content = "Who is the mayor of Yarcliff?" } },
        });
        JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Contains("Odette Brandt", answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(),
            StringComparison.Ordinal);
        Assert.Contains("Odette Brandt", answer.GetProperty("kvasir").GetProperty("passages")[0].GetProperty("text").GetString(),
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Json_keeps_to_its_schema_and_a_shared_beginning_comes_from_the_cache()
    {
        using var client = new KvasirChatClient(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        JsonElement schema = JsonDocument.Parse(
            """
                {"type":"object","properties":{"city":{"type":"string"},"country":{"type":"string"}},"required":["city","country"]}
                """).RootElement;
        var options = new ChatOptions { MaxOutputTokens = 200, ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) };
        ChatResponse first = await client.GetResponseAsync("Name the capital of France, as JSON with city and country.", options);
        Assert.Contains("Paris", JsonDocument.Parse(first.Text).RootElement.GetProperty("city").GetString(), StringComparison.Ordinal);
        ChatResponse second = await client.GetResponseAsync("Name the capital of France, as JSON with city and country.", options);
        Assert.Equal(first.Text, second.Text);
        Assert.InRange(second.Usage!.CachedInputTokenCount!.Value, 32, second.Usage.InputTokenCount!.Value);
    }

    [SkippableFact]
    public async Task Embeddings_of_like_texts_are_near_in_both_forms()
    {
        using Model model = Model.Load(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        using Model encoder = Model.Load(SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf"));
        await using KvasirServer server = await KvasirServer.StartAsync(model, encoder, new ServerOptions { Port = 0 });
        var client = new EmbeddingClient("kvasir", new System.ClientModel.ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = new Uri(server.Address, "v1") });
        OpenAIEmbeddingCollection embeddings =
            await client.GenerateEmbeddingsAsync(["A cat sleeps.", "The kitten naps.", "Interest rates rose."]);
        float[][] vectors = [.. embeddings.Select(one => one.ToFloats().ToArray())];
        Assert.True(Cosine(vectors[0], vectors[1]) > Cosine(vectors[0], vectors[2]) + 0.2);
        using var generator = new KvasirEmbeddingGenerator(encoder, "encoder");
        Assert.Equal(vectors[0], (await generator.GenerateAsync(["A cat sleeps."]))[0].Vector.ToArray().Select(x => x), new Near());

        static float Cosine(float[] a, float[] b) => a.Zip(b, (x, y) => x * y).Sum();
    }

    private sealed class Near : IEqualityComparer<float>
    {
        public bool Equals(float x, float y) => Math.Abs(x - y) < 1e-3;

        public int GetHashCode(float value) => 0;
    }
}
