namespace Kvasir.Documents.Reading;

/// <summary>
/// Reads one document under limits of time, memory and stack. Parsers are other people's code and their input anybody's, so a parser runs on a
/// thread of its own that is watched. It stops at its next checkpoint when it takes too much; one that comes to none is left behind. (Aborting a thread from outside was tried: it ended the whole process at times.)
/// </summary>
internal static class ReadingGuard
{
    /// <summary>Ample for the depth that the parsers are held to; only what is used of it takes memory.</summary>
    private const int StackBytes = 64 << 20;

    /// <summary>How often limits and cancellation are looked at, and how long a parser is given to stop.</summary>
    private const int WatchMilliseconds = 20, StopMilliseconds = 1000;

    private const int LongestReason = 300;

    /// <summary>Documents are read one at a time, so that what memory grows by is the one's that is being read.</summary>
    private static readonly SemaphoreSlim s_turn = new(1);

    /// <summary>The limits of the document that this thread reads.</summary>
    [ThreadStatic]
    private static Watch? t_watch;

    /// <summary>Reads a document.</summary>
    /// <param name="length">Bytes of the file; the limits grow with it: 10 s a megabyte, at least 10 s, and forty times its length besides 192 MiB.</param>
    /// <param name="read">The parser.</param>
    /// <param name="cancellation">Stops it within a moment.</param>
    /// <exception cref="UnreadableDocumentException">The parser failed, whatever it threw, or exceeded a limit.</exception>
    public static T Read<T>(long length, Func<T> read, CancellationToken cancellation) =>
        Read(read, TimeSpan.FromSeconds(10 * Math.Max(1, length / 1e6)), Math.Min(768L << 20, (192L << 20) + 40 * length), cancellation);

    /// <summary>Reads within a time, and within bytes that managed memory may grow by.</summary>
    public static T Read<T>(Func<T> read, TimeSpan time, long memory, CancellationToken cancellation)
    {
        s_turn.Wait(cancellation);
        try
        {
            return ReadAlone(read, new Watch(time, memory), cancellation);
        }
        finally
        {
            s_turn.Release();
        }
    }

    /// <summary>Where a parser can be stopped; called after every bounded piece of work. Does nothing outside of a reading.</summary>
    /// <exception cref="OperationCanceledException">The document is given up.</exception>
    public static void Checkpoint()
    {
        if (t_watch is { Stopped: true }) throw new OperationCanceledException();
    }

    private static T ReadAlone<T>(Func<T> read, Watch watch, CancellationToken cancellation)
    {
        T? result = default;
        Exception? error = null;
        var thread = new Thread(Parse, StackBytes) { IsBackground = true, Name = "reading" };
        thread.Start();
        string? exceeded = null;
        while (!thread.Join(WatchMilliseconds))
        {
            exceeded = watch.Exceeded();
            if (exceeded is not null || cancellation.IsCancellationRequested)
            {
                watch.Stopped = true;
                thread.Join(StopMilliseconds);
                break;
            }
        }

        cancellation.ThrowIfCancellationRequested();
        return (exceeded, error) switch
        {
            (not null, _) => throw new UnreadableDocumentException(exceeded),
            (_, null) => result!,
            (_, UnreadableDocumentException) => throw new UnreadableDocumentException(Reason(error)),
            _ => throw new UnreadableDocumentException($"it is damaged ({Reason(error)})"),
        };

        void Parse()
        {
            try
            {
                t_watch = watch;
                result = read();
            }
            catch (Exception failure)
            {
                error = failure;
            }
        }
    }

    /// <summary>An error's words on one line of bounded length: they may quote the file.</summary>
    private static string Reason(Exception error)
    {
        bool IsShown(char c) => !char.IsControl(c) && char.GetUnicodeCategory(c) is not UnicodeCategory.Format;
        string line = string.Concat(error.Message.Select(c => IsShown(c) ? c : ' ')).Trim();
        return line.Length > LongestReason ? line[..LongestReason] + "…" : line;
    }

    /// <summary>The time and memory taken since it was made.</summary>
    private sealed class Watch(TimeSpan time, long memory)
    {
        /// <summary>On a busy machine a reading gets little of the processor: then it may take longer, up to this many times.</summary>
        private const int Patience = 3;

        private readonly long _start = Stopwatch.GetTimestamp();
        private readonly TimeSpan _worked = Environment.CpuUsage.TotalTime;
        private readonly long _held = GC.GetTotalMemory(false);
        private volatile bool _stopped;

        public bool Stopped
        {
            get => _stopped;
            set => _stopped = value;
        }

        /// <summary>Which limit is exceeded; null while none is.</summary>
        public string? Exceeded() =>
            IsLate(Stopwatch.GetElapsedTime(_start)) ? string.Create(CultureInfo.InvariantCulture, $"it takes longer than {time.TotalSeconds:0} s to read")
            : Growth() > memory && GrowthWithoutGarbage() > memory ? $"it takes more than {memory >> 20} MiB of memory to read"
            : null;

        private bool IsLate(TimeSpan passed) => passed > time && (passed > Patience * time || Environment.CpuUsage.TotalTime - _worked > time);

        private long Growth() => GC.GetTotalMemory(false) - _held;

        private long GrowthWithoutGarbage()
        {
            GC.Collect();
            return Growth();
        }
    }
}
