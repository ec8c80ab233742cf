using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using Kvasir.Server.Hosting;
using OpenAI;

namespace Kvasir.Server.Tests;

/// <summary>A server on a tiny model with random weights, in float32, with an encoder made of the same.</summary>
public sealed class ServerFixture : IAsyncLifetime, IDisposable
{
    /// <summary>Hermes' form, as Qwen's models have it.</summary>
    public const string ToolTemplate =
        "{% if tools %}<|user|>{{ tools | tojson }}<|end|>{% endif %}{% for m in messages %}<|user|>{{ m.role }}:{{ m.content }}"
        + "{% for c in m.tool_calls %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|end|>{% endfor %}"
        + "{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private readonly TemporaryFolder _folder = new();

    public Model Model { get; private set; } = null!;

    public KvasirServer Server { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public string ModelPath => _folder.Sub("tiny.gguf");

    internal static Cache.KvPolicy Exact { get; } = Cache.KvPolicy.Parse("k=f32,v=f32");

    public async Task InitializeAsync()
    {
        TinyModel.Write(ModelPath, ToolTemplate, contextLength: 4096);
        Model = Model.Load(ModelPath, new ModelOptions { Compute = ComputeMode.Float32, Threads = 1 });
        Server = await KvasirServer.StartAsync(Model, null, new ServerOptions
        {
            Port = 0,
            DocumentsFolder = _folder.Sub("documents"),
            Engine = new EngineOptions { Policy = Exact, KvBudget = 256 << 20, QueueLimit = 200 },
        });
        Http = new HttpClient { BaseAddress = Server.Address };
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        Model.Dispose();
    }

    public void Dispose() => _folder.Dispose();

    public OpenAIClient OpenAI() => new(
        new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(Server.Address, "v1") });

    /// <summary>Posts JSON; status and body.</summary>
    internal async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await Http.PostAsync(new Uri(path, UriKind.Relative), content);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }
}
