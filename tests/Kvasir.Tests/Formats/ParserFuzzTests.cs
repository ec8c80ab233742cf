using System.Buffers.Binary;
using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Tests.Formats;

/// <summary>Damaged files either open, and then every listed tensor can be read, or are refused with one line.</summary>
public sealed class ParserFuzzTests : IDisposable
{
    private const long MemoryPerFile = 1 << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 1000)]
    [InlineData(2, 1000)]
    [InlineData(3, 1000)]
    public void Damaged_gguf_is_read_or_refused(int seed, int rounds) => Fuzz(TestGguf.Bytes(TestGguf.Sample()), seed, rounds, path =>
    {
        using ModelFile file = ModelFiles.Open(path);
        return file.Tensors.Values.Sum(TestGguf.Sum);
    });

    [Theory]
    [InlineData(4, 1000)]
    [InlineData(5, 1000)]
    [InlineData(6, 1000)]
    public void Damaged_safetensors_are_read_or_refused(int seed, int rounds) => Fuzz(SampleSafetensors(), seed, rounds, path =>
    {
        using var file = SafetensorsFile.Open(path);
        long sum = 0;
        foreach (string name in file.Tensors.Keys)
        {
            foreach (byte value in file.Bytes(name)) sum += value;
        }
        return sum;
    });

    [Theory]
    [InlineData(7, 500)]
    public void Damaged_config_is_read_or_refused(int seed, int rounds)
    {
        TestHf.WriteLlama(_folder);
        string path = Path.Combine(_folder.Path, "config.json");
        byte[] whole = File.ReadAllBytes(path);
        Fuzz(whole, seed, rounds, _ =>
        {
            using ModelFile file = ModelFiles.Open(_folder.Path);
            return file.Tensors.Values.Sum(TestGguf.Sum);
        }, "config.json");
    }

    private void Fuzz(byte[] whole, int seed, int rounds, Func<string, long> read, string name = "fuzz")
    {
        var random = new Random(seed);
        int refused = 0;
        read(_folder.File(name, whole));
        for (int round = 0; round < rounds; round++)
        {
            byte[] damaged = Damage(whole, random);
            string path = _folder.File(name, damaged);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(path);
            }
            catch (InvalidInputException error)
            {
                refused++;
                Assert.DoesNotContain(error.Message, char.IsControl);
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MemoryPerFile);
        }
        Assert.InRange(refused, rounds / 10, rounds - 1);
    }

    /// <summary>A few bytes changed, a number made extreme, a piece cut out, doubled or cut off.</summary>
    private static byte[] Damage(byte[] whole, Random random)
    {
        byte[] bytes = [.. whole];
        int at = random.Next(Math.Min(whole.Length, 2000));
        switch (random.Next(6))
        {
            case 0:
                for (int i = random.Next(1, 4); i > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
            case 1:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2:
                ulong[] extremes = [0, 1, ulong.MaxValue, long.MaxValue, 1ul << 63, uint.MaxValue, int.MaxValue, (ulong)bytes.Length,
                    ulong.MaxValue - 31];
                if (at + 8 <= bytes.Length)
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), extremes[random.Next(extremes.Length)]);
                return bytes;
            case 3: return bytes[..random.Next(bytes.Length)];
            case 4:
                int end = Math.Min(bytes.Length, at + random.Next(1, 40));
                return [.. bytes[..at], .. bytes[end..]];
            default:
                int stop = Math.Min(bytes.Length, at + random.Next(1, 40));
                return [.. bytes[..stop], .. bytes[at..]];
        }
    }

    private byte[] SampleSafetensors()
    {
        var writer = new SafetensorsWriter();
        writer.Add("first", [3, 8], TestGguf.Ramp(24));
        writer.Add("second.weight", [16], TestGguf.Ramp(16));
        writer.Add("scalar", [], TestGguf.Ramp(1));
        writer.Add("empty", [0, 4], TestGguf.Ramp(0));
        string path = Path.Combine(_folder.Path, "sample.safetensors");
        writer.Write(path);
        return File.ReadAllBytes(path);
    }
}
