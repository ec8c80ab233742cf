namespace Kvasir.Documents.Tests;

/// <summary>What a parser may take, and what becomes of one that takes more or fails.</summary>
public class ReadingGuardTests
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    private static string Refused(Func<int> read, TimeSpan? time = null, long memory = 1L << 40) =>
        Assert.Throws<UnreadableDocumentException>(() => ReadingGuard.Read(read, time ?? s_hour, memory, CancellationToken.None)).Message;

    [Fact]
    public void Result_comes_through() => Assert.Equal(7, ReadingGuard.Read(100, () => 7, CancellationToken.None));

    [Fact]
    public void Parser_that_runs_on_is_stopped_at_its_next_checkpoint()
    {
        bool ended = false;
        Assert.Equal("it takes longer than 0 s to read", Refused(
            () =>
            {
                try
                {
                    return RunOn();
                }
                finally
                {
                    ended = true;
                }
            },
            TimeSpan.FromMilliseconds(50)));
        Assert.True(SpinWait.SpinUntil(() => ended, 30_000));
        Assert.Equal(7, ReadingGuard.Read(100, () => 7, CancellationToken.None));
    }

    [Fact]
    public void Parser_without_checkpoints_is_left_behind()
    {
        using var ending = new ManualResetEventSlim();
        Assert.Equal("it takes longer than 0 s to read", Refused(() => { ending.Wait(); return 1; }, TimeSpan.FromMilliseconds(50)));
        Assert.Equal(7, ReadingGuard.Read(100, () => 7, CancellationToken.None));
        ending.Set();
        Thread.Sleep(50);
    }

    [Fact]
    public void Parser_that_piles_up_memory_is_stopped()
    {
        var held = new List<byte[]>();
        Assert.Equal("it takes more than 64 MiB of memory to read", Refused(() => { while (true) { held.Add(new byte[1 << 20]); Thread.Sleep(1); ReadingGuard.Checkpoint(); } }, memory: 64L << 20));
        Assert.InRange(held.Count, 1, 2000);
    }

    [Fact]
    public void Garbage_does_not_count_as_memory() =>
        Assert.Equal(3000, ReadingGuard.Read(() => Enumerable.Range(0, 3000).Count(_ => new byte[1 << 20].Length > 0), s_hour, 256L << 20, CancellationToken.None));

    [Fact]
    public void Cancelling_stops_it_soon()
    {
        using var cancellation = new CancellationTokenSource(50);
        long start = Stopwatch.GetTimestamp();
        Assert.ThrowsAny<OperationCanceledException>(() => ReadingGuard.Read(RunOn, s_hour, 1L << 40, cancellation.Token));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 30);
    }

    [Fact]
    public void Whatever_a_parser_throws_makes_the_document_unreadable_in_one_line_without_control_characters()
    {
        Assert.Equal("it is damaged (bad  [31mname)", Refused(() => throw new FormatException("bad\r\u001B[31mname\n")));
        Assert.Equal("line 3: no", Refused(() => throw new UnreadableDocumentException("line 3:\u202Eno")));
        Assert.InRange(Refused(() => throw new InvalidCastException(new string('x', 100_000))).Length, 1, 400);
        Assert.StartsWith("it is damaged (", Refused(() => new byte[Array.MaxLength + 1L].Length), StringComparison.Ordinal);
    }

    private static int RunOn()
    {
        while (true)
        {
            ReadingGuard.Checkpoint();
        }
    }
}
