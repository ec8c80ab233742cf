using Kvasir.Cache;
using Kvasir.Calibration;
using Kvasir.Models;
using Kvasir.Reference;
using Kvasir.Tests.Cache;
using Kvasir.Tests.Models;

namespace Kvasir.Tests.Calibration;

/// <summary>Rankings of layers and heads against a forward pass by the definition, their files, and tasks in files.</summary>
public sealed class HeadProfileTests : ReferenceComparison
{
    private static readonly NaiveTransformer s_naive = (Llama with { Layers = 3 }).WithRandomWeights(5);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gains_are_those_of_the_definition_and_the_best_are_chosen(bool heads)
    {
        using Model model = Load();
        SteeringTask[] tasks = [Task(1, 3, 9, 7, 8), Task(2, 0, 5, 30, null)];
        var options = new HeadProfileOptions { Alpha = 0.05, Layers = heads ? null : 2, Heads = heads ? 4 : null };
        HeadProfile profile = HeadProfile.Measure(model, tasks, options);
        Assert.Equal(heads ? 18 : 3, profile.Ranking.Count);
        Assert.Equal(profile.Ranking.Take(heads ? 4 : 2).Select(gain => gain.Head), profile.Heads);
        Assert.Equal(profile.Ranking.OrderByDescending(gain => gain.Gain), profile.Ranking);
        foreach (SteeringGain gain in profile.Ranking)
        {
            SteeringPolicy policy = KvPolicy.Parse($"steer=0:1@{gain.Head}*0.05").Steering!;
            double expected = tasks.Average(task => Score(task, policy with { Spans = [task.Span] }) - Score(task, null));
            Assert.Equal(expected, gain.Gain, 2e-3);
        }
    }

    [Fact]
    public void A_profile_reads_back_and_gives_a_policy_its_heads()
    {
        using Model model = Load();
        string path = _folder.Sub("heads.json");
        HeadProfile profile = HeadProfile.Measure(model, [Task(1, 3, 9, 7, 8)], new HeadProfileOptions { Heads = 3 });
        profile.Save(path);
        HeadProfile read = HeadProfile.Load(path, model);
        Assert.Equal(profile.Heads, read.Heads);
        Assert.Equal(profile.Ranking, read.Ranking);
        KvPolicy policy = model.Prepare(KvPolicy.Parse($"steer=3:9,profile={path}"));
        Assert.Equal(profile.Heads, policy.Steering!.Heads!.Select(head => head.ToString()));
        Assert.Null(policy.Profile);
        Assert.Equal(profile.Heads, model.Emphasise(["x"], profile: path).Heads.Select(head => head.ToString()));
        Assert.Contains("other.json", Assert.Throws<InvalidInputException>(() =>
            model.Prepare(KvPolicy.Parse($"steer=3:9,profile={path}+other.json"))).Message, StringComparison.Ordinal);
        // No heads are known for this model, and the message says how to find them.
        Assert.Contains("profile pasta", Assert.Throws<InvalidInputException>(() =>
            model.Prepare(KvPolicy.Parse("steer=3:9"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "heads.json")]
    [InlineData("[]", "heads.json")]
    [InlineData("""{"kind":"kvasir-sensitivity","layers":3,"queryHeads":6,"heads":["1"]}""", "not a head profile")]
    [InlineData("""{"kind":"kvasir-steering","layers":4,"queryHeads":6,"heads":["1"]}""", "4 layers")]
    [InlineData("""{"kind":"kvasir-steering","layers":3,"queryHeads":6,"heads":[]}""", "no heads")]
    [InlineData("""{"kind":"kvasir-steering","layers":3,"queryHeads":6,"heads":["3"]}""", "damaged")]
    [InlineData("""{"kind":"kvasir-steering","layers":3,"queryHeads":6,"heads":["1.6"]}""", "damaged")]
    [InlineData("""{"kind":"kvasir-steering","layers":3,"queryHeads":6,"heads":["x"]}""", "damaged")]
    [InlineData("""{"kind":"kvasir-steering","layers":3,"queryHeads":6,"heads":[null]}""", "damaged")]
    [InlineData("""{"kind":"kvasir-steering","layers":3,"queryHeads":6}""", "heads.json")]
    public void A_file_that_is_no_profile_of_the_model_is_refused(string json, string named)
    {
        using Model model = Load();
        string path = _folder.File("heads.json", Encoding.UTF8.GetBytes(json));
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => HeadProfile.Load(path, model)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("{}", "list")]
    [InlineData("[]", "list")]
    [InlineData("[7]", "prompt 0")]
    [InlineData("""[{"token_ids":[1,2],"span":[0,1],"new_id":3},{"token_ids":[1]}]""", "prompt 1")]
    [InlineData("""[{"token_ids":[1,2],"span":[0],"new_id":3}]""", "span")]
    [InlineData("""[{"token_ids":[1,2],"span":[0,3],"new_id":3}]""", "2 tokens")]
    [InlineData("""[{"token_ids":[1,2],"span":[-1,1],"new_id":3}]""", "2 tokens")]
    [InlineData("""[{"token_ids":[1,50],"span":[0,1],"new_id":3}]""", "vocabulary")]
    [InlineData("""[{"token_ids":[1,2],"span":[0,1],"new_id":3,"old_id":-3}]""", "vocabulary")]
    [InlineData("""[{"token_ids":[],"span":[0,1],"new_id":3}]""", "0 tokens")]
    [InlineData("""[{"token_ids":null,"span":[0,1],"new_id":3}]""", "prompt 0")]
    public void Tasks_that_cannot_be_are_refused(string json, string named)
    {
        using Model model = Load();
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() =>
            SteeringTask.Read(Encoding.UTF8.GetBytes(json), "t.json", model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tasks_in_ids_read_as_they_are()
    {
        using Model model = Load();
        SteeringTask task = Assert.Single(SteeringTask.Read(
            """{"prompts":[{"token_ids":[1,2,3],"span":[1,3],"new_id":4,"p":0.5}]}"""u8, "t.json", model));
        Assert.Equal([1, 2, 3], task.Ids);
        Assert.Equal((new TokenSpan(1, 3), 4, (int?)null), (task.Span, task.Wanted, task.Other));
    }

    private static SteeringTask Task(int seed, int first, int end, int wanted, int? other)
    {
        var random = new Random(seed);
        return new SteeringTask([.. Enumerable.Range(0, 12 + seed).Select(_ => random.Next(50))], new TokenSpan(first, end), wanted, other);
    }

    /// <summary>ln p(wanted) - ln p(other) behind the prompt.</summary>
    private static double Score(SteeringTask task, SteeringPolicy? policy)
    {
        NaiveTransformer steered = policy is null ? s_naive : s_naive with
        {
            ScoreBias = (layer, head, key) =>
                NaiveSteering.IsSteered(policy, layer, head) ? NaiveSteering.Bias(policy, task.Ids.Count, key) : 0,
        };
        double[] logits = steered.Logits([.. task.Ids])[^s_naive.Vocabulary..];
        double all = Math.Log(logits.Sum(Math.Exp));
        return task.Other is int other ? logits[task.Wanted] - logits[other] : logits[task.Wanted] - all;
    }

    private Model Load() => TinyHfModel.Load(s_naive, _folder, "llama", """{"rope_theta": 10000.0, "max_position_embeddings": 256}""");
}
