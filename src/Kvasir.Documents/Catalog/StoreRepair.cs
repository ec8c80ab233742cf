namespace Kvasir.Documents.Catalog;

/// <summary>What a repair has kept of a damaged store.</summary>
/// <param name="Files">Files that were kept with all their documents.</param>
/// <param name="Lost">Files that were not whole; ingesting them again brings them back, with the KV that is stored.</param>
/// <param name="Unreadable">Places of files in the database that could not be read at all.</param>
public sealed record StoreRepair(int Files, IReadOnlyList<string> Lost, int Unreadable)
{
    /// <summary>Whether nothing is lost.</summary>
    public bool IsWhole => Lost.Count == 0 && Unreadable == 0;

    /// <summary>Copies every file that is sound in all its parts from a damaged catalog into an empty one.</summary>
    internal static StoreRepair Salvage(string damaged, ICatalog target)
    {
        SqliteCatalog? source = null;
        int kept = 0, unreadable = 0;
        var lost = new SortedSet<string>(StringComparer.Ordinal);
        bool Try(Action work)
        {
            try
            {
                work();
                return true;
            }
            catch (InvalidInputException)
            {
                return false;
            }
        }

        long last = 0;
        if (Try(() => source = SqliteCatalog.OpenDamaged(damaged)))
        {
            using SqliteCatalog sound = source!;
            Try(() => target.KvQuota = sound.KvQuota);
            Try(() => sound.Shelves().ToList().ForEach(target.Describe));
            unreadable += Try(() => last = sound.LastFile) ? 0 : 1;
            for (long id = 1; id <= last; id++)
            {
                StoredFile? file = null;
                if (!Try(() => file = sound.FileAt(id))) unreadable++;
                else if (file is not null && Try(() => Copy(sound, file, target))) kept++;
                else if (file is not null) lost.Add(file.Path);
            }

            Try(() => lost.UnionWith(sound.Lost()));
        }

        return new StoreRepair(kept, [.. lost], unreadable + (source is null ? 1 : 0));
    }

    private static void Copy(SqliteCatalog source, StoredFile file, ICatalog target)
    {
        List<StoredDocument> copied = [];
        foreach (StoredDocument document in source.Documents(file.Path))
        {
            IReadOnlyList<StoredChunk> chunks = source.Chunks(document);
            if (chunks.Count != document.Parts) throw new InvalidInputException($"{file.Path}: not whole");
            copied.Add(target.Add(file.Path, DocumentContent.Of(document, chunks)));
            foreach (string encoder in source.Encoders())
            {
                target.Embed(encoder, [.. from pair in chunks.Zip(target.Chunks(copied[^1]))
                                          let row = source.Embedding(encoder, pair.First.TextId)
                                          where row is not null
                                          select (pair.Second.TextId, row)]);
            }
        }

        if (copied.Count != file.Documents) throw new InvalidInputException($"{file.Path}: not whole");
        target.Commit(file, copied);
    }
}
