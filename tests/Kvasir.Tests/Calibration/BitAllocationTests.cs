using Kvasir.Calibration;

namespace Kvasir.Tests.Calibration;

public sealed class BitAllocationTests
{
    [Fact]
    public void Budget_is_never_exceeded_and_more_of_it_never_does_more_damage()
    {
        var random = new Random(1);
        for (int round = 0; round < 200; round++)
        {
            CodecOption[][] heads = RandomHeads(random, 1 + random.Next(12));
            int least = heads.Sum(head => head.Min(option => option.Bytes)), most = heads.Sum(head => head.Max(option => option.Bytes));
            double last = double.MaxValue;
            for (int budget = least; budget <= most + 64; budget += 1 + random.Next(96))
            {
                int[] chosen = BitAllocation.Solve(heads, budget);
                Assert.True(Bytes(heads, chosen) <= budget);
                Assert.True(Damage(heads, chosen) <= last + 1e-12);
                last = Damage(heads, chosen);
            }
            Assert.Equal(heads.Sum(head => head.Min(option => option.Damage)), Damage(heads, BitAllocation.Solve(heads, most)), 1e-9);
        }
    }

    /// <summary>
    /// What a threshold chooses is the best of all choices of its size; elsewhere at most one step of one head is missing.
    /// </summary>
    [Fact]
    public void Choice_is_the_best_of_all_choices_but_for_one_step()
    {
        var random = new Random(2);
        int best = 0, tried = 0;
        for (int round = 0; round < 60; round++)
        {
            CodecOption[][] heads = RandomHeads(random, 4);
            for (int budget = heads.Sum(head =>
                head.Min(option => option.Bytes)); budget <= heads.Sum(head => head.Max(option => option.Bytes)); budget += 128)
            {
                int[] chosen = BitAllocation.Solve(heads, budget);
                double optimum = BestOf(heads, budget);
                double step = heads.Zip(chosen).Max(pair => pair.First[pair.Second].Damage - pair.First.Min(option => option.Damage));
                Assert.InRange(Damage(heads, chosen), optimum - 1e-9, optimum + step + 1e-9);
                Assert.Equal(Damage(heads, chosen), BestOf(heads, Bytes(heads, chosen)), Damage(heads, chosen));
                tried++;
                if (Damage(heads, chosen) <= optimum + 1e-9) best++;
            }
        }
        Assert.True(best > tried / 2, $"{best} of {tried} are optimal");
    }

    [Fact]
    public void Bytes_go_where_they_save_most_damage()
    {
        CodecOption[] tough = [new(100, 0.001), new(200, 0.0001), new(400, 0)], delicate = [new(100, 1), new(200, 0.1), new(400, 0.01)];
        Assert.Equal([0, 0], BitAllocation.Solve([tough, delicate], 200));
        Assert.Equal([0, 1], BitAllocation.Solve([tough, delicate], 300));
        Assert.Equal([0, 2], BitAllocation.Solve([tough, delicate], 599));
        Assert.Equal([1, 2], BitAllocation.Solve([tough, delicate], 600));
        Assert.Equal([2, 2], BitAllocation.Solve([tough, delicate], long.MaxValue / 2));
    }

    [Fact]
    public void Options_that_others_beat_are_never_chosen()
    {
        CodecOption[] head = [new(100, 1), new(150, 2), new(200, 0.95), new(300, 0.1), new(300, 0.3), new(500, 0.1)];
        for (int budget = 100; budget < 600; budget += 10) Assert.Contains(BitAllocation.Solve([head], budget)[0], (int[])[0, 3]);
    }

    private static CodecOption[][] RandomHeads(Random random, int heads) =>
        [.. Enumerable.Range(0, heads)
            .Select(_ =>
            Enumerable.Range(0, 2 + random.Next(5))
            .Select(_ => new CodecOption(64 * (1 + random.Next(30)), Math.Exp(-8 * random.NextDouble()))).ToArray())];

    private static double BestOf(CodecOption[][] heads, int budget, int head = 0)
    {
        if (head == heads.Length) return 0;
        int rest = heads.Skip(head + 1).Sum(other => other.Min(option => option.Bytes));
        return heads[head].Where(option => option.Bytes + rest <= budget)
            .Min(option => option.Damage + BestOf(heads, budget - option.Bytes, head + 1));
    }

    private static int Bytes(CodecOption[][] heads, int[] chosen) => heads.Zip(chosen).Sum(pair => pair.First[pair.Second].Bytes);

    private static double Damage(CodecOption[][] heads, int[] chosen) => heads.Zip(chosen).Sum(pair => pair.First[pair.Second].Damage);
}
