using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Kvasir.Documents.Catalog;

/// <summary>One connection to an SQLite database: prepared statements, transactions, and one clear line for whatever goes wrong.</summary>
internal sealed class Database : IDisposable
{
    /// <summary>In memory, gone when it is closed.</summary>
    public const string InMemory = ":memory:";

    /// <summary>
    /// How long a statement waits for another program that has the database; the store's writers wait for each other elsewhere.
    /// </summary>
    private const int SecondsToWait = 5;

    /// <summary>SQLITE_IOERR_SHMSIZE: no room for the file that readers share.</summary>
    private const int NoRoomBeside = 4874;

    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);
    private readonly SqliteConnection _connection;

    private readonly Exception? _unwritable;

    private Database(string path, SqliteConnection connection, Exception? unwritable) =>
        (Path, _connection, _unwritable) = (path, connection, unwritable);

    public string Path { get; }

    /// <summary>Opens a database, or makes an empty one. Where its folder may not or cannot be written, it is read as it stands.</summary>
    /// <param name="path">The file.</param>
    /// <param name="alone">Whether no one else may have it open; its log is then gone when it is closed.</param>
    /// <exception cref="StoreWriteException">Someone else has it open.</exception>
    public static Database Open(string path, bool alone = false)
    {
        try
        {
            return Open(path, path, SqliteOpenMode.ReadWriteCreate, alone);
        }
        catch (Exception error) when (IsReadable(path)
            && error is ReadOnlyStoreException or StoreWriteException { InnerException: IOException })
        {
            // Reading takes files beside the database, for which there is no permission or room, unless it is known that nobody writes.
            return Open(path, new Uri(path).AbsoluteUri + "?immutable=1", SqliteOpenMode.ReadOnly, alone: false, error);
        }
    }

    /// <summary>All rows that a query gives.</summary>
    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<object?> values)
    {
        SqliteCommand command = Prepared(sql, values);
        return Guarded(() =>
        {
            using SqliteDataReader reader = command.ExecuteReader();
            var rows = new List<T>();
            while (reader.Read()) rows.Add(read(reader));
            return rows;
        });
    }

    /// <summary>The number that a query gives; null where it gives no row, or NULL.</summary>
    public long? Number(string sql, params ReadOnlySpan<object?> values) =>
        Query(sql, row => row.IsDBNull(0) ? (long?)null : row.GetInt64(0), values).FirstOrDefault();

    /// <summary>Runs a statement.</summary>
    public void Run(string sql, params ReadOnlySpan<object?> values)
    {
        SqliteCommand command = Prepared(sql, values);
        Guarded(command.ExecuteNonQuery);
    }

    /// <summary>Visits the rows of a query of one number and perhaps one blob, where they stand: for very many of them.</summary>
    public void Visit(string sql, object? value, BlobVisitor visit) => Guarded(() =>
    {
        Check(raw.sqlite3_prepare_v2(_connection.Handle, sql, out sqlite3_stmt statement));
        using (statement)
        {
            if (value is long number) Check(raw.sqlite3_bind_int64(statement, 1, number));
            else if (value is string text) Check(raw.sqlite3_bind_text(statement, 1, text));
            bool hasBlob = raw.sqlite3_column_count(statement) > 1;
            int state;
            while ((state = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
                visit(raw.sqlite3_column_int64(statement, 0), hasBlob ? raw.sqlite3_column_blob(statement, 1) : default);
            Check(state);
        }

        return 0;
    });

    /// <summary>
    /// Does something as a whole or not at all; <paramref name="durable"/>, on disk when this returns, else with the next that is.
    /// </summary>
    public T Atomically<T>(Func<T> work, bool durable = false)
    {
        Run(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
        Run("BEGIN IMMEDIATE");
        try
        {
            T result = work();
            Run("COMMIT");
            return result;
        }
        catch
        {
            // Some failures have ended the transaction already.
            if (raw.sqlite3_get_autocommit(_connection.Handle) == 0) Run("ROLLBACK");
            throw;
        }
    }

    /// <summary>Reads one state of the database, whatever is written meanwhile.</summary>
    public T Reading<T>(Func<T> read)
    {
        Run("BEGIN");
        try
        {
            return read();
        }
        finally
        {
            Run("ROLLBACK");
        }
    }

    /// <summary>What damage may have put into a text or a name, as it can be shown in a line.</summary>
    public static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));

    public void Dispose()
    {
        foreach (SqliteCommand command in _commands.Values) command.Dispose();
        _connection.Dispose();
    }

    /// <summary>Whether nothing that was written is waiting beside the database.</summary>
    private static bool IsReadable(string path) =>
        new FileInfo(path) is { Exists: true, Length: > 0 } && new FileInfo(path + "-wal") is not { Exists: true, Length: > 0 };

    private static Database Open(string path, string source, SqliteOpenMode mode, bool alone, Exception? unwritable = null)
    {
        var settings = new SqliteConnectionStringBuilder
        {
            DataSource = source,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = SecondsToWait
        };
        var database = new Database(path, new SqliteConnection(settings.ToString()), unwritable);
        try
        {
            database.Guarded(() =>
            {
                database._connection.Open();
                return 0;
            });
            if (alone) database.Run("PRAGMA locking_mode=EXCLUSIVE");
            database.Run("PRAGMA foreign_keys=ON");
            database.Run("PRAGMA mmap_size=2147418112");
            database.Number("SELECT count(*) FROM sqlite_schema");
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    private SqliteCommand Prepared(string sql, ReadOnlySpan<object?> values)
    {
        if (!_commands.TryGetValue(sql, out SqliteCommand? command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            for (int i = 0; i < values.Length; i++) command.Parameters.Add(new SqliteParameter($"?{i + 1}", null));
            _commands[sql] = command;
        }

        for (int i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command;
    }

    private void Check(int state)
    {
        if (state is not raw.SQLITE_OK and not raw.SQLITE_DONE)
            throw new SqliteException(raw.sqlite3_errmsg(_connection.Handle).utf8_to_string(), state);
    }

    private T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException error)
        {
            throw Told(error);
        }
        catch (Exception error) when (error is InvalidOperationException or InvalidCastException or OverflowException or FormatException)
        {
            throw Damaged(error);
        }
    }

    private Exception Told(SqliteException error) => error.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED =>
            new StoreWriteException($"{Path}: another program is using the database; try again when it has finished", error),
        raw.SQLITE_READONLY when _unwritable is not null => _unwritable,
        raw.SQLITE_FULL => StoreWriteException.From(Folder, new IOException(error.Message, StoreWriteException.NoSpaceOnUnix)),
        raw.SQLITE_IOERR => StoreWriteException.From(Folder, error.SqliteExtendedErrorCode == NoRoomBeside
            ? new IOException(error.Message, StoreWriteException.NoSpaceOnUnix)
            : new IOException("input or output of the database failed", error)),
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH or raw.SQLITE_CANTOPEN =>
            new ReadOnlyStoreException($"{Path}: the store may only be read (no permission to write, or a read-only file system)", error),
        _ => Damaged(error),
    };

    /// <summary>What can be done where the database is damaged.</summary>
    public const string HowToRepair = "'kvasir store repair' keeps what is sound of it";

    private string Folder => System.IO.Path.GetDirectoryName(Path)!;

    private InvalidInputException Damaged(Exception error) => new(
        $"{Path} is damaged ({Printable(error.Message.ReplaceLineEndings(" ")).TrimEnd('.')}); {HowToRepair}", error);
}

/// <summary>Takes a row of a number and a blob, which is valid until it returns.</summary>
internal delegate void BlobVisitor(long number, ReadOnlySpan<byte> blob);
