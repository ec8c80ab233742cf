using System.Text.RegularExpressions;
using Kvasir.Cache;
using Kvasir.Models;

namespace Kvasir.Documents.Tests;

/// <summary>The code blocks of the README are the samples between the sample markers here, and they run.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public void Every_code_block_of_the_readme_is_a_sample_that_runs()
    {
        string[] samples = [.. Sample()
            .Matches(Normalised(File.ReadAllText(Path.Combine(SharedData.ProjectRoot(), "tests/Kvasir.Documents.Tests/ReadmeTests.cs"))))
            .Select(match => Dedented(match.Groups[1].Value))];
        string[] blocks = [.. CodeBlock().Matches(Normalised(File.ReadAllText(Path.Combine(SharedData.ProjectRoot(), "README.md"))))
            .Select(match => match.Groups[1].Value.Trim('\n'))];
        Assert.Equal(5, samples.Length);
        Assert.Equal(samples, blocks);
    }

    [SkippableFact]
    public async Task Samples_run_on_the_real_model()
    {
        string modelPath = SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"),
            encoderPath = SharedData.Require("models/all-MiniLM-L6-v2.q8_0.gguf");
        string documents = SharedData.Require("data/facts/docs.jsonl");
        using var folder = new TemporaryFolder();
        string savePath = Path.Combine(folder.Path, "chat.kv"), storeFolder = Path.Combine(folder.Path, "store");
        var output = new StringWriter();

        Load(modelPath, output);
        await Chat(modelPath, output);
        SaveAndLoad(modelPath, savePath, output);
        Quantise(modelPath, output);
        AskDocuments(modelPath, encoderPath, storeFolder, documents, output);

        string text = output.ToString();
        Assert.Contains("Paris", text, StringComparison.Ordinal);
        Assert.Contains("heron", text, StringComparison.Ordinal);
        Assert.Contains("docs.jsonl", text, StringComparison.Ordinal);
    }

    private static void Load(string modelPath, TextWriter output)
    {
        // sample
        using Model model = Model.Load(modelPath);
        using var session = new Session(model);
        GenerationResult result = session.Complete("The capital of France is", new GenerationOptions { MaxTokens = 8 });
        output.WriteLine($"{result.Text} ({result.TokensPerSecond:F0} tokens/s, {result.KvBytes} bytes of KV)");
        // end
    }

    private static async Task Chat(string modelPath, TextWriter output)
    {
        using Model model = Model.Load(modelPath);
        // sample
        using var session = new Session(model);
        await foreach (string piece in session.ChatAsync("What is a key-value cache?", new GenerationOptions { MaxTokens = 40 }))
            output.Write(piece);
        // end
    }

    private static void SaveAndLoad(string modelPath, string savePath, TextWriter output)
    {
        using Model model = Model.Load(modelPath);
        // sample
        using (var session = new Session(model))
        {
            foreach (string piece in session.Chat("My name is Ada.", new GenerationOptions { MaxTokens = 30 })) output.Write(piece);
            session.Save(savePath);
        }
        using (Session session = Session.Load(model, savePath)) // mapped: nothing is computed again
            foreach (string piece in session.Chat("What is my name?", new GenerationOptions { MaxTokens = 30 })) output.Write(piece);
        // end
    }

    private static void Quantise(string modelPath, TextWriter output)
    {
        using Model model = Model.Load(modelPath);
        // sample
        KvPolicy policy = KvPolicy.Parse("k=kivi4,v=kivi4"); // or model.Prepare(KvPolicy.Parse("auto:3bit"))
        output.WriteLine($"{model.Forecast(policy).MostSequences(512L << 20, tokens: 2048)} sequences of 2,048 tokens fit into 512 MB");
        using var session = new Session(model, policy);
        output.WriteLine(session.Complete("The capital of Norway is", new GenerationOptions { MaxTokens = 8 }).Text);
        // end
    }

    private static void AskDocuments(string modelPath, string encoderPath, string storeFolder, string documents, TextWriter output)
    {
        using Model model = Model.Load(modelPath);
        // sample
        using Model encoder = Model.Load(encoderPath);
        using var library = DocumentLibrary.Open(storeFolder, model, encoder);
        library.Ingest([documents]); // KV is computed once; unchanged files cost nothing the next time
        Answer answer = library.Ask("Which animal is the emblem of the Quingate Railway Museum?");
        foreach (string piece in answer) output.Write(piece);
        foreach (Passage source in answer.Sources) output.WriteLine($"{source.File}, part {source.Chunk}");
        // end
    }

    private static string Normalised(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal);

    private static string Dedented(string sample) =>
        string.Join('\n', sample.Trim('\n').Split('\n')
            .Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line)).TrimEnd();

    [GeneratedRegex(@"// sample\n(.*?) *// end\n", RegexOptions.Singleline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Sample();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex CodeBlock();
}
