namespace Kvasir.Documents.Tests;

public class RecordLogTests
{
    private static readonly string[] s_payloads = ["", "a", "somewhat longer payload", new string('z', 3000), "last"];

    [Fact]
    public void Truncated_at_every_byte_the_whole_records_remain()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, out List<long> ends);
        byte[] whole = File.ReadAllBytes(path);
        for (int length = (int)ends[0]; length <= whole.Length; length += length > 200 && length < 3000 ? 7 : 1)
        {
            File.WriteAllBytes(path, whole[..length]);
            int expected = ends.Count(end => end <= length) - 1;
            Assert.Equal(s_payloads[..expected], Read(path, out int damaged, out _));
            Assert.Equal(length < whole.Length ? 1 : 0, damaged);
        }
    }

    [Fact]
    public void Writing_goes_on_after_a_torn_end()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, out List<long> ends);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..(int)(ends[^1] - 5)]);
        using (RecordLog log = RecordLog.Open(path, new StoreFiles(), write: true))
        {
            log.Read((_, _, _) => { });
            log.CutTornEnd();
            log.Append(1, "new"u8);
            log.Flush();
        }

        Assert.Equal([.. s_payloads[..4], "new"], Read(path, out _, out long end));
        Assert.Equal(end, new FileInfo(path).Length);
    }

    [Fact]
    public void Damage_at_any_byte_costs_one_record_at_most()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, out List<long> ends);
        byte[] whole = File.ReadAllBytes(path);
        for (int at = (int)ends[0]; at < whole.Length; at += at > 200 && at < 3000 ? 31 : 1)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x40;
            File.WriteAllBytes(path, damaged);
            string[] read = Read(path, out _, out _);
            Assert.True(read.Length >= s_payloads.Length - 1 && read.All(s_payloads.Contains), $"byte {at}: {read.Length} records");
        }
    }

    [Fact]
    public void Records_inside_a_payload_are_not_taken_for_records()
    {
        using var folder = new TemporaryFolder();
        string other = Write(folder, out _);
        byte[] posing = File.ReadAllBytes(other)[32..];
        string path = folder.Sub("second.log");
        RecordLog.Create(path, new StoreFiles());
        using (RecordLog log = RecordLog.Open(path, new StoreFiles(), write: true))
        {
            log.Append(1, posing);
            log.Flush();
        }

        byte[] bytes = File.ReadAllBytes(path);
        bytes[36] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Empty(Read(path, out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("some text that is no catalog at all, and long enough for a header")]
    public void Other_file_is_refused(string content)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("catalog.log", content);
        Assert.Contains(path, Assert.Throws<InvalidInputException>(() => RecordLog.Open(path, new StoreFiles(), write: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_payloads_never_crash_the_catalog()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(3);
        for (int round = 0; round < 300; round++)
        {
            string path = folder.Sub("c.log");
            RecordLog.Create(path, new StoreFiles());
            using (RecordLog log = RecordLog.Open(path, new StoreFiles(), write: true))
            {
                byte[] payload = new byte[random.Next(200)];
                random.NextBytes(payload);
                for (int i = 0; i + 4 <= payload.Length && random.Next(2) == 0; i += 4)
                {
                    BitConverter.TryWriteBytes(payload.AsSpan(i), random.Next(-2, 9));
                }

                log.Append((uint)random.Next(1, 5), payload);
            }

            using Catalog catalog = Catalog.Open(path, new StoreFiles(), write: false);
            Assert.True(catalog.Files.Count() <= 1);
        }
    }

    private static string Write(TemporaryFolder folder, out List<long> ends)
    {
        string path = folder.Sub("first.log");
        RecordLog.Create(path, new StoreFiles());
        using RecordLog log = RecordLog.Open(path, new StoreFiles(), write: true);
        ends = [log.End];
        foreach (string payload in s_payloads)
        {
            log.Append(1, Encoding.UTF8.GetBytes(payload));
            ends.Add(log.End);
        }

        log.Flush();
        return path;
    }

    private static string[] Read(string path, out int damaged, out long end)
    {
        using RecordLog log = RecordLog.Open(path, new StoreFiles(), write: false);
        var payloads = new List<string>();
        log.Read((_, payload, _) => payloads.Add(Encoding.UTF8.GetString(payload)));
        damaged = log.Damaged;
        end = log.End;
        return [.. payloads];
    }
}
