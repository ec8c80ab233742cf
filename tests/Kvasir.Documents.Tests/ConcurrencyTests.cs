using System.Collections.Concurrent;

namespace Kvasir.Documents.Tests;

/// <summary>Several libraries on one store at the same time, as several processes would use it.</summary>
public sealed class ConcurrencyTests : LibraryFixture
{
    private const int Files = 6, Readers = 20;

    [Fact]
    public void Readers_see_whole_versions_while_a_writer_changes_everything()
    {
        Write(new Random(1), files: Files);
        using (DocumentLibrary first = Open())
        {
            first.Ingest([Documents]);
        }

        long start = Stopwatch.GetTimestamp();
        var failures = new ConcurrentQueue<Exception>();
        int answers = 0, changes = 0;
        Thread[] threads =
        [
            .. Enumerable.Range(0, Readers).Select(reader => Start(() => Read(reader, Ended, ref answers))),
            Start(() => Change(Ended, ref changes)),
        ];
        Array.ForEach(threads, thread => thread.Join());
        Assert.True(failures.IsEmpty, failures.FirstOrDefault()?.ToString());
        Assert.True(Enough(), $"{answers} answers during {changes} changes");
        using DocumentLibrary after = Open();
        after.Store.SetKvQuota(null);
        after.Ingest([Documents]);
        Assert.Equal((0, 0), after.Verify() is var check
            ? (check.Kv[0].Missing, check.Damaged.Count + check.DamagedRecords + check.DamagedVectors) : default);

        // On a busy machine a change takes longer: some must have happened, however long that takes.
        bool Ended() =>
            !failures.IsEmpty || Stopwatch.GetElapsedTime(start).TotalSeconds is var seconds
                && (seconds > 300 || (seconds > 2.5 && Enough()));

        bool Enough() => Volatile.Read(ref answers) > 20 && Volatile.Read(ref changes) > 5;

        Thread Start(Action work)
        {
            var thread = new Thread(() =>
            {
                try
                {
                    work();
                }
                catch (Exception error)
                {
                    failures.Enqueue(error);
                }
            });
            thread.Start();
            return thread;
        }
    }

    [Fact]
    public void Readers_do_not_wait_for_a_change_and_see_all_of_it_when_it_is_made()
    {
        using DocumentLibrary writer = Open();
        writer.Ingest([Documents]);
        using Database changing = Database.Open(Path.Combine(Store, "store.db"));
        DocumentLibrary[] readers =
            [.. Enumerable.Range(0, Readers).Select(_ => Open(new FakeModel(sameTokenizer: Model), new FakeEncoder()))];
        changing.Run("BEGIN IMMEDIATE");
        changing.Run("DELETE FROM file");
        Array.ForEach(readers, reader => Assert.Equal("An answer", reader.Ask("Why do cats purr?").Complete()));
        changing.Run("COMMIT");
        Array.ForEach(readers, reader => Assert.Empty(reader.Store.Catalog.Files()));
        Array.ForEach(readers, reader => Assert.Empty(reader.Search("Why do cats purr?", 1)));
        Array.ForEach(readers, reader => reader.Dispose());
    }

    [Fact]
    public void Second_writer_is_told_after_a_while_who_holds_the_store()
    {
        using DocumentLibrary library = Open(), other = Open();
        library.Ingest([Documents]);
        using (other.Store.Write())
        {
            foreach (Action write in new Action[] { () => library.Ingest([Documents]), () =>
                library.Store.CollectGarbage(), () => library.Store.Remove(Documents), () => library.Store.SetKvQuota(1) })
            {
                long start = Stopwatch.GetTimestamp();
                Assert.Contains($"another process is writing to this store (process {Environment.ProcessId}, ",
                    Assert.Throws<StoreWriteException>(write).Message, StringComparison.Ordinal);
                Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 1, 30); // its patience, and what a busy machine adds
            }
        }

        Assert.Null(library.Store.KvQuota);
    }

    [Fact]
    public void Question_that_stores_for_a_moment_does_not_stop_a_writer()
    {
        using DocumentLibrary library = Open();
        using WriterLock held = WriterLock.TryTake(library.Store.Folder)!;
        var release = new Thread(() =>
        {
            Thread.Sleep(20);
            held.Dispose();
        });
        release.Start();
        Assert.Equal(4, library.Ingest([Documents]).ComputedChunks);
        release.Join();
    }

    /// <summary>Asks and looks until it has ended; counts the answers.</summary>
    private void Read(int reader, Func<bool> ended, ref int answers)
    {
        var random = new Random(reader);
        using DocumentLibrary library = Open(new FakeModel(sameTokenizer: Model) { ChecksLate = reader == 0 }, new FakeEncoder());
        for (int own = 0; !ended(); own++, Interlocked.Increment(ref answers))
        {
            Assert.Equal("An answer", library.Ask($"Who knows w{random.Next(50)}?", new AskOptions { Passages = random.Next(1, 5) })
                .Complete());
            ICatalog catalog = library.Store.Catalog;
            foreach ((StoredFile file, string text) in catalog.Reading(() =>
                catalog.Files().Where(file => file.Path.Contains("file", StringComparison.Ordinal))
                .Select(file =>
                    (file, string.Join(' ', catalog.Chunks(catalog.Documents(file.Path).Single()).Select(chunk => chunk.Text.Trim()))))
                        .ToList()))
            {
                string[] words = text.Split(' ');
                Assert.True(words.Length == 60
                    && words.All(word => word.EndsWith(words[0][^5..], StringComparison.Ordinal)),
                    $"{file.Path} mixes versions or lacks a part: {text}");
            }

            Assert.Equal(0, library.Store.Statistics().DamagedRecords);
            Assert.True(own % 4 != 0 || library.Verify().Damaged.Count == 0);
        }
    }

    /// <summary>Ingests, removes, converts, collects garbage and changes the quota until it has ended; counts the changes.</summary>
    private void Change(Func<bool> ended, ref int changes)
    {
        var random = new Random(7);
        using DocumentLibrary library = Open(new FakeModel(sameTokenizer: Model), new FakeEncoder());
        var small = new FakeModel(sameTokenizer: Model) { Policy = "k=kivi4,v=kivi4" };
        for (; !ended(); Interlocked.Increment(ref changes))
        {
            switch (random.Next(6))
            {
                case 0:
                    library.Store.Remove(Path.Combine(Documents, $"file{random.Next(Files)}.txt"));
                    break;
                case 1:
                    library.Store.CollectGarbage();
                    break;
                case 2:
                    library.Store.SetKvQuota(random.Next(2) == 0 ? null : random.Next(200, 4000));
                    break;
                case 3 when library.Store.KvQuota is null:
                    library.Store.ConvertKv(small, new KvConversionOptions { RemoveSource = random.Next(2) == 0 });
                    library.Ingest([Documents]);
                    break;
                default:
                    Write(random, files: 2);
                    library.Ingest([Documents]);
                    break;
            }
        }
    }

    /// <summary>New versions of some files: sixty words, all of which end with the version.</summary>
    private void Write(Random random, int files)
    {
        for (int i = 0; i < files; i++)
        {
            int version = random.Next(1000, 9999);
            string words = string.Join(
                ' ', Enumerable.Range(0, 60).Select(_ => string.Create(CultureInfo.InvariantCulture, $"w{random.Next(50)}v{version}")));
            Folder.File("draft", words);
            File.Move(Folder.Sub("draft"), Path.Combine(Documents, $"file{(files == Files ? i : random.Next(Files))}.txt"),
                overwrite: true);
        }
    }
}
