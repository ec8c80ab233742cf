using Kvasir.Numerics;

namespace Kvasir.Tests.Numerics;

public sealed class PhysicalCoresTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvasir-cores").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Sibling_threads_count_once()
    {
        foreach ((int cpu, string siblings) in new[] { (0, "0,4"), (1, "1,5"), (4, "0,4"), (5, "1,5") })
        {
            string topology = Path.Combine(_folder, $"cpu{cpu}", "topology");
            Directory.CreateDirectory(topology);
            File.WriteAllText(Path.Combine(topology, "thread_siblings_list"), siblings + "\n");
        }
        Directory.CreateDirectory(Path.Combine(_folder, "cpufreq"));
        Assert.Equal(2, PhysicalCores.CountUnder(_folder));
    }

    [Fact]
    public void Where_the_topology_is_unknown_there_is_no_count()
    {
        Assert.Equal(0, PhysicalCores.CountUnder(Path.Combine(_folder, "missing")));
        Assert.InRange(PhysicalCores.Count(), 1, Environment.ProcessorCount);
    }
}
