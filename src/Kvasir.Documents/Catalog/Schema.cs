namespace Kvasir.Documents.Catalog;

/// <summary>The tables of a store's database, and how one of an earlier version becomes one of this.</summary>
internal static class Schema
{
    /// <summary>"Kvas": tells a store's database from others.</summary>
    private const int ApplicationId = 0x4B766173;

    /// <summary>What makes version n of version n - 1, from 1 on.</summary>
    public static IReadOnlyList<string> Migrations { get; } = [Tables, ShorterEmbeddings];

    /// <summary>Embeddings had 16 bits a dimension: the next ingest makes them anew, until when words find their chunks.</summary>
    private const string ShorterEmbeddings = "DELETE FROM embedding";

    /// <summary>
    /// A document counts from the moment it has a place in its file; before, an ingest is at work on it, or was interrupted. Equal texts of
    /// chunks are kept once, with their words and embeddings, under the title that they were found with first. <c>sum</c> is a row's
    /// checksum.
    /// </summary>
    private const string Tables = """
        CREATE TABLE file (
            id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, length INTEGER NOT NULL, changed INTEGER NOT NULL, hash BLOB NOT NULL,
            documents INTEGER NOT NULL, sum INTEGER NOT NULL);
        CREATE TABLE document (
            id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE, place INTEGER, name TEXT, title TEXT NOT NULL,
            hash BLOB NOT NULL, chunk_tokens INTEGER NOT NULL, chunks INTEGER NOT NULL, sum INTEGER NOT NULL);
        CREATE INDEX document_file ON document(file, place);
        CREATE INDEX document_unfinished ON document(id) WHERE place IS NULL;
        CREATE TABLE text (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kv BLOB NOT NULL, title TEXT NOT NULL, content TEXT NOT NULL);
        CREATE INDEX text_kv ON text(kv);
        CREATE TABLE chunk (
            document INTEGER NOT NULL REFERENCES document ON DELETE CASCADE, part INTEGER NOT NULL, start INTEGER NOT NULL,
            length INTEGER NOT NULL, tokens INTEGER NOT NULL, text INTEGER NOT NULL REFERENCES text, sum INTEGER NOT NULL,
            PRIMARY KEY (document, part)) WITHOUT ROWID;
        CREATE INDEX chunk_text ON chunk(text);
        CREATE TABLE encoder (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
        CREATE TABLE embedding (
            encoder INTEGER NOT NULL REFERENCES encoder, text INTEGER NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (encoder, text)) WITHOUT ROWID;
        CREATE VIRTUAL TABLE words USING fts5(content, content='', contentless_delete=1, tokenize='porter unicode61 remove_diacritics 2');
        CREATE TRIGGER text_gone AFTER DELETE ON text BEGIN
            DELETE FROM words WHERE rowid = old.id;
            DELETE FROM embedding WHERE encoder IN (SELECT id FROM encoder) AND text = old.id;
        END;
        CREATE TABLE shelf (
            name TEXT PRIMARY KEY, model TEXT NOT NULL, identity TEXT NOT NULL, tokenizer TEXT NOT NULL, policy TEXT NOT NULL,
            prefix BLOB NOT NULL, tokens INTEGER NOT NULL, seconds REAL NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;
        """;

    /// <summary>Makes the tables where there are none, or brings them to this version.</summary>
    /// <exception cref="InvalidInputException">A database of something else, or of a later version.</exception>
    public static void Prepare(Database database) => Prepare(database, Migrations);

    /// <summary>The same for a program that knows other versions.</summary>
    public static void Prepare(Database database, IReadOnlyList<string> migrations)
    {
        if (IsCurrent(database, migrations.Count)) return;
        database.Run("PRAGMA auto_vacuum=INCREMENTAL");
        database.Run("PRAGMA journal_mode=WAL");
        database.Atomically(() =>
        {
            if (IsCurrent(database, migrations.Count)) return 0;
            foreach (string migration in migrations.Skip((int)database.Number("PRAGMA user_version")!)) database.Run(migration);
            database.Run($"PRAGMA application_id={ApplicationId}");
            database.Run($"PRAGMA user_version={migrations.Count}");
            return 0;
        }, durable: true);
    }

    private static bool IsCurrent(Database database, int latest)
    {
        long version = database.Number("PRAGMA user_version") ?? 0, application = database.Number("PRAGMA application_id") ?? 0;
        if (application != ApplicationId && (version != 0 || application != 0 || database.Number("SELECT count(*) FROM sqlite_schema") > 0))
        {
            throw new InvalidInputException(
                $"{database.Path}: not the database of a document store, or its first bytes are damaged; {Database.HowToRepair}");
        }

        if (version > latest)
        {
            throw new InvalidInputException(
                $"{database.Path}: made by a later version of this program (version {version} of the tables, this one knows {latest}); "
                    + "update it");
        }

        return version == latest;
    }
}
