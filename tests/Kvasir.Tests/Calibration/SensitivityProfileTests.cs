using System.Text.Json.Nodes;
using Kvasir.Cache;
using Kvasir.Calibration;
using Kvasir.Models;

namespace Kvasir.Tests.Calibration;

public sealed class SensitivityProfileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-profile-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public void Profile_reads_back_as_it_was_measured()
    {
        using Model model = Tiny();
        var shares = new List<double>();
        SensitivityProfile measured = SensitivityProfile.Measure(model, progress: new Shares(shares));
        measured.Save(At("p.json"));
        SensitivityProfile read = SensitivityProfile.Load(At("p.json"), model);
        Assert.Equal((measured.Model, measured.Calibration, measured.ScaleBits), (read.Model, read.Calibration, read.ScaleBits));
        Assert.Equal(measured.Keys.Concat(measured.Values), read.Keys.Concat(read.Values));
        Assert.Equal(Damages(measured), Damages(read));
        Assert.Equal(1, shares[^1], 1e-9);
        Assert.Equal(shares.Order(), shares);
    }

    [SkippableFact]
    public void Same_model_gives_the_same_profile_and_finer_codecs_do_less_damage()
    {
        using Model model = Tiny(), again = Tiny(ComputeMode.Float32);
        SensitivityProfile first = SensitivityProfile.Measure(model), second = SensitivityProfile.Measure(again);
        foreach ((double a, double b) in Damages(first).Zip(Damages(second))) Assert.InRange(b, a * 0.99 - 1e-6, a * 1.01 + 1e-6);
        foreach (HeadSensitivity head in first.Layers.SelectMany(layer => layer))
        {
            Assert.True(head.Keys[0] > 0 && head.Values[0] > 0);
            Assert.Equal(head.Keys.OrderDescending(), head.Keys);
            Assert.Equal(head.Values.OrderDescending(), head.Values);
        }
    }

    [SkippableFact]
    public void Given_text_is_measured_on()
    {
        using Model model = Tiny();
        string text = string.Join(' ', Enumerable.Range(0, 2000).Select(i => $"{i * 7919 % 1000} apples"));
        Assert.Contains("given text", SensitivityProfile.Measure(model, text, scaleBits: 16).Calibration, StringComparison.Ordinal);
        Assert.Contains("calibration text",
            Assert.Throws<InvalidInputException>(() => SensitivityProfile.Measure(model, "too short")).Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("kind", "\"recipe\"", "not a sensitivity profile")]
    [InlineData("version", "7", "version 7")]
    [InlineData("model", "\"0000\"", "another model")]
    [InlineData("model", "null", "not a sensitivity profile")]
    [InlineData("scaleBits", "5", "5 bits")]
    [InlineData("keys", "[\"kivi9\"]", "kivi9")]
    [InlineData("keys", "[null]", "damaged")]
    [InlineData("keys", "[\"kivi2/32/16\"]", "kivi2/32/16")]
    [InlineData("values", "[\"kivi2/16/8\"]", "kivi2/16/8")]
    [InlineData("values", "[]", "divergence for each codec")]
    [InlineData("layers", "[]", "0 layers")]
    [InlineData("layers", "[null,null]", "layer 0")]
    [InlineData("layers", "[[null,null],[null,null]]", "layer 0")]
    [InlineData("layers", "[[{\"keys\":[-1],\"values\":[0]}],[]]", "layer 0")]
    [InlineData("layers", "7", "not a sensitivity profile")]
    public void Damaged_or_foreign_profile_is_refused(string field, string value, string what)
    {
        using Model model = Tiny();
        MadeUpProfile.For(model).Save(At("p.json"));
        JsonNode json = JsonNode.Parse(File.ReadAllText(At("p.json")))!;
        json[field] = JsonNode.Parse(value);
        File.WriteAllText(At("p.json"), json.ToJsonString());
        string message = Assert.Throws<InvalidInputException>(() =>
            model.Prepare(KvPolicy.Parse($"auto:8bit,profile={At("p.json")}"))).Message;
        Assert.Contains("p.json", message, StringComparison.Ordinal);
        Assert.Contains(what, message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"kind\":")]
    [InlineData("\0\0\0\0")]
    public void What_is_no_profile_is_refused(string content)
    {
        using Model model = Tiny();
        File.WriteAllText(At("p.json"), content);
        Assert.Contains("p.json", Assert.Throws<InvalidInputException>(() => SensitivityProfile.Load(At("p.json"), model)).Message,
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Profile_for_other_scales_is_refused()
    {
        using Model model = Tiny();
        MadeUpProfile.For(model).Save(At("p.json"));
        Assert.Contains("8 bits",
            Assert.Throws<InvalidInputException>(() => model.Prepare(KvPolicy.Parse($"auto:8bit,scale=16,profile={At("p.json")}"))).Message,
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Named_profile_that_is_missing_is_made()
    {
        using Model model = Tiny();
        model.Prepare(KvPolicy.Parse($"auto:8bit,profile={At("new.json")}"));
        SensitivityProfile.Load(At("new.json"), model);
        Assert.Contains("a folder",
            Assert.Throws<InvalidInputException>(() => model.Prepare(KvPolicy.Parse($"auto:8bit,profile={_folder}"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("nowhere",
            Assert.Throws<InvalidInputException>(() => model.Prepare(KvPolicy.Parse($"auto:8bit,profile={At("nowhere/p.json")}"))).Message,
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Damaged_profile_in_the_cache_folder_is_measured_anew()
    {
        using Model model = Tiny();
        SensitivityProfile first = KnownProfiles.Cached(model, 8, null, CancellationToken.None, _folder);
        string path = Assert.Single(Directory.GetFiles(_folder, "*.json", SearchOption.AllDirectories));
        File.WriteAllText(path, "{}");
        Assert.Equal(first.Model, KnownProfiles.Cached(model, 8, null, CancellationToken.None, _folder).Model);
        SensitivityProfile.Load(path, model);
    }

    private static Model Tiny(ComputeMode compute = ComputeMode.Int8) =>
        Model.Load(SharedData.Require("models/tiny/tiny-llama3.gguf"), new ModelOptions { Threads = 1, Compute = compute });

    private static double[] Damages(SensitivityProfile profile) =>
        [.. profile.Layers.SelectMany(layer => layer).SelectMany(head => head.Keys.Concat(head.Values))];

    private string At(string name) => Path.Combine(_folder, name);

    private sealed class Shares(List<double> told) : IProgress<double>
    {
        public void Report(double value) => told.Add(value);
    }
}
