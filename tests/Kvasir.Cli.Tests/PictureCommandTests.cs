using System.Text.Json;

namespace Kvasir.Cli.Tests;

/// <summary>Pictures in the commands, on the encoder that names coloured shapes.</summary>
public sealed class PictureCommandTests : IDisposable
{
    private const string Question = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        + "<|im_start|>user\n<image>\nWhat shape is red?<|im_end|>\n<|im_start|>assistant\n";

    private readonly TemporaryFolder _folder = new();

    private static string ModelPath => SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf");

    private static string Shapes => SharedData.Require("data/shapes");

    private static string Picture(int number) => SharedData.Require($"data/shapes/shape_{number:000}.png");

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void A_text_is_continued_with_the_pictures_in_it()
    {
        JsonElement done = Invocation.Of(
            "complete", "--model", ModelPath, "--image", Picture(1), "--prompt", Question, "--json").IsDone(anyNotes: true).Json;
        Assert.Equal(("A red triangle", 100), (done.GetProperty("text").GetString(), done.GetProperty("promptTokens").GetInt32()));
    }

    [SkippableFact]
    public void What_cannot_be_shown_is_refused_in_one_line()
    {
        Complete("--image", "nowhere.png").IsRefused("nowhere.png: no such file");
        Complete("--image", _folder.File("a.png", "no picture")).IsRefused("a.png: not a picture that can be read");
        Complete("--image", Picture(1), "--image", Picture(2)).IsRefused("the prompt has 1 times <image>, but there are 2 pictures");
        Complete("--image", Picture(1), "--mmproj", ModelPath).IsRefused("not an image encoder");
        Invocation.Of("complete", "--model", ModelPath, "--image", Picture(1), "--ids", "1,2").IsRefused("--image needs a text");
        Invocation.Of("complete", "--model", SharedData.Require("models/tiny/tiny-llama3.gguf"), "--image", Picture(1), "--prompt", "x")
            .IsRefused("no image encoder was found beside");
        Invocation.Of("complete", "--model", SharedData.Require("models/tiny/tiny-llama3.gguf"), "--image", Picture(1), "--prompt", "x",
            "--mmproj", SharedData.Require("models/shapes-mmproj.gguf")).IsRefused("made for another language model");

        static Invocation Complete(params string[] options) =>
            Invocation.Of(["complete", "--model", ModelPath, "--prompt", Question, .. options]);
    }

    [SkippableFact]
    public void A_conversation_shows_pictures_and_goes_on_from_what_was_saved_without_them()
    {
        string saved = _folder.Sub("talk.kv");
        string[] chat = ["chat", "--model", ModelPath, "--temperature", "0"];
        Invocation first = Invocation.With($"What color is the square?\n/image {Picture(2)}\nHow many shapes are there?\n",
            [.. chat, "--image", Picture(1), "--save", saved]).IsDone(anyNotes: true);
        Assert.StartsWith("The square is orange.", first.Out, StringComparison.Ordinal);
        JsonElement later = Invocation.With("And now?\n", [.. chat, "--load", saved, "--json"]).IsDone(anyNotes: true).Json;
        Assert.InRange(later.GetProperty("reusedTokens").GetInt32(), 2 * 64 + 24, int.MaxValue);
    }

    [SkippableFact]
    public void Questions_about_pictures_are_counted_by_type_whole_and_thinned()
    {
        JsonElement whole = Eval(), thinned = Eval("--kv", "evict=prefixkv:50%,score=question,only=images");
        Assert.Equal(24, whole.GetProperty("items").GetInt32());
        Assert.InRange(whole.GetProperty("byType").GetProperty("count").GetDouble(), 0.85, 1);
        Assert.InRange(whole.GetProperty("accuracy").GetDouble(), 0.9, 1);
        Assert.InRange(thinned.GetProperty("accuracy").GetDouble(), 0.75, 1);
        Assert.InRange(thinned.GetProperty("kvBytes").GetInt64(), 1, whole.GetProperty("kvBytes").GetInt64() - 1);
        Invocation.Of("eval", "vqa", "--model", ModelPath, "--data", Shapes, "--types", "smell").IsRefused("no question of type 'smell'");

        static JsonElement Eval(params string[] options) => Invocation.Of(
            ["eval", "vqa", "--model", ModelPath, "--data", Shapes, "--types", "color,shape,count", "--limit", "24", "--json", .. options])
            .IsDone(anyNotes: true).Json;
    }

    [SkippableFact]
    public void A_second_question_about_a_picture_computes_nothing_of_it()
    {
        string picture = _folder.Sub("holiday.png");
        File.Copy(Picture(1), picture);
        _folder.File("holiday.txt", "Taken in Portugal by the sea.");
        JsonElement first = Ask("What color is the square?", "--image", picture), second = Ask("What shape is red?", "--image", picture);
        Assert.Contains("orange", first.GetProperty("answer").GetString(), StringComparison.Ordinal);
        Assert.Contains("triangle", second.GetProperty("answer").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, second.GetProperty("tokens").GetProperty("recomputed").GetInt32());
        Assert.InRange(second.GetProperty("tokens").GetProperty("reused").GetInt32(), 24 + 64, int.MaxValue);
        File.Delete(picture);
        Assert.EndsWith("holiday.png", Source(Ask("What is to be seen in holiday.png?")), StringComparison.Ordinal);
        Assert.EndsWith("holiday.png", Source(Ask("Which color is the square by the sea in Portugal?")), StringComparison.Ordinal);

        JsonElement Ask(string question, params string[] options) => Invocation.Of(
            ["ask", "--model", ModelPath, "--embedder", "none", "--store", _folder.Sub("store"), .. options, question, "--json"])
            .IsDone(anyNotes: true).Json;
        static string Source(JsonElement answer) => answer.GetProperty("sources")[0].GetProperty("file").GetString()!;
    }
}
