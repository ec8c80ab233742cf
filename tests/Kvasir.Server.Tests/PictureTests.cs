using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using Kvasir.Server.Hosting;
using Kvasir.Vision;
using OpenAI;
using OpenAI.Chat;

namespace Kvasir.Server.Tests;

/// <summary>Questions about pictures in each of the server's languages, on the real model and the tests' encoder.</summary>
public sealed class PictureTests : IAsyncLifetime, IDisposable
{
    private readonly List<(string File, string Question, string Answer)> _questions = [];
    private Model? _model;
    private ImageEncoder? _encoder;
    private KvasirServer? _server;
    private HttpClient? _http;

    public async Task InitializeAsync()
    {
        if (Shared("data/shapes/questions.jsonl") is not { } questions
            || Shared("models/SmolLM2-135M-Instruct.Q4_1.gguf") is not { } model
            || Shared("models/shapes-mmproj.gguf") is not { } encoder) return;
        var options = new ModelOptions { Compute = ComputeMode.Float32, Threads = 1 };
        (_model, _encoder) = (Model.Load(model, options), ImageEncoder.Open(encoder, options));
        _server = await KvasirServer.StartAsync(_model, null, new ServerOptions { Port = 0, Images = _encoder });
        _http = new HttpClient { BaseAddress = _server.Address };
        foreach (string line in File.ReadLines(questions).Take(7))
        {
            JsonElement one = JsonDocument.Parse(line).RootElement;
            string Text(string name) => one.GetProperty(name).GetString()!;
            _questions.Add((Path.Combine(Path.GetDirectoryName(questions)!, Text("image")), Text("question"), Text("answer")));
        }
    }

    public async Task DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        Dispose();
    }

    public void Dispose()
    {
        _http?.Dispose();
        _encoder?.Dispose();
        _model?.Dispose();
    }

    [SkippableFact]
    public async Task Pictures_in_messages_are_answered_about_and_a_second_question_computes_nothing_of_them()
    {
        Skip.If(_server is null, "there is no real model with an image encoder");
        var place = new OpenAIClientOptions { Endpoint = new Uri(_server.Address, "v1") };
        ChatClient client = new OpenAIClient(new ApiKeyCredential("none"), place).GetChatClient("kvasir");
        int right = 0, cached = 0;
        foreach ((string file, string question, string answer) in _questions)
        {
            ChatCompletion reply = await client.CompleteChatAsync(
                [new UserChatMessage(
                    ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(await File.ReadAllBytesAsync(file)), "image/png"),
                    ChatMessageContentPart.CreateTextPart(question))],
                new ChatCompletionOptions { MaxOutputTokenCount = 16, Temperature = 0 });
            if (reply.Content[0].Text == answer) right++;
            if (reply.Usage.InputTokenDetails.CachedTokenCount >= 64) cached++;
        }

        Assert.True(right >= _questions.Count - 1, $"{right} right");
        Assert.InRange(cached, 3, _questions.Count);
    }

    [SkippableFact]
    public async Task Each_language_gives_the_same_answer()
    {
        Skip.If(_server is null, "there is no real model with an image encoder");
        (string file, string question, string answer) = _questions[0];
        string base64 = Convert.ToBase64String(await File.ReadAllBytesAsync(file)), uri = "data:image/png;base64," + base64;
        JsonElement response = await PostAsync("/v1/responses", new
        {
            model = "kvasir",
            temperature = 0,
            max_output_tokens = 16,
            input = new[] { new { role = "user", content = new object[]
            {
                new { type = "input_image", image_url = uri }, new { type = "input_text", text = question },
            } } },
        });
        Assert.Contains(answer, response.GetRawText(), StringComparison.Ordinal);
        JsonElement chat = await PostAsync("/api/chat", new
        {
            model = "kvasir",
            stream = false,
            options = new { temperature = 0, num_predict = 16 },
            messages = new[] { new { role = "user", content = question, images = new[] { base64 } } },
        });
        Assert.Equal(answer, chat.GetProperty("message").GetProperty("content").GetString());
        JsonElement generated = await PostAsync("/api/generate", new
        {
            model = "kvasir",
            stream = false,
            options = new { temperature = 0, num_predict = 16 },
            prompt = question,
            images = new[] { base64 },
        });
        Assert.Equal(answer, generated.GetProperty("response").GetString());
        JsonElement shown = await PostAsync("/api/show", new { model = "kvasir" });
        Assert.Contains("vision", shown.GetProperty("capabilities").EnumerateArray().Select(one => one.GetString()));
    }

    [SkippableTheory]
    [InlineData("https://example.org/a.png", "nothing is fetched")]
    [InlineData("data:image/png;base64,!!", "base64")]
    [InlineData("data:image/png;base64,AAAA", "picture 1")]
    [InlineData("data:image/png,abc", "nothing is fetched")]
    public async Task What_is_no_picture_is_refused(string uri, string about)
    {
        Skip.If(_server is null, "there is no real model with an image encoder");
        using HttpResponseMessage response = await _http!.PostAsJsonAsync(new Uri("/v1/chat/completions", UriKind.Relative), new
        {
            model = "kvasir",
            messages = new[] { new { role = "user", content = new[] { new { type = "image_url", image_url = new { url = uri } } } } },
        });
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(about, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static string? Shared(string relative) =>
        Path.Combine(SharedData.Root, relative) is var path && File.Exists(path) ? path : null;

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using HttpResponseMessage response = await _http!.PostAsJsonAsync(new Uri(path, UriKind.Relative), body);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}
