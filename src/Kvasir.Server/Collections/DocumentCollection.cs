using System.Text.RegularExpressions;
using Kvasir.Documents;
using Kvasir.Documents.Asking;
using Kvasir.Documents.Ingesting;
using Kvasir.Documents.Storage;
using Kvasir.Generation;
using Kvasir.Server.Engine;
using Kvasir.Server.Requests;

namespace Kvasir.Server.Collections;

/// <summary>
/// One collection: a library, which one thread at a time uses, and the folder of the files that were uploaded to it. Who comes while it is
/// in use waits in turn; too many are refused.
/// </summary>
internal sealed partial class DocumentCollection(string name, DocumentLibrary library, string uploads, ServerOptions options) : IDisposable
{
    private readonly Turns _turns = new(options.Engine.QueueLimit);

    /// <summary>What uploads that are under way end with; they begin with a point, which no name does.</summary>
    private const string Part = ".part";

    public string Name => name;

    /// <summary>Takes away what uploads have left that a process before did not end.</summary>
    public static void CleanUploads(string uploads)
    {
        if (!Directory.Exists(uploads)) return;
        foreach (string left in Directory.EnumerateFiles(uploads, ".*" + Part)) File.Delete(left);
    }

    /// <summary>Uses the library when it is free.</summary>
    /// <exception cref="QueueFullException">Too many wait.</exception>
    public async Task<T> UseAsync<T>(Func<DocumentLibrary, T> use, CancellationToken cancellation)
    {
        using IDisposable turn = await _turns.EnterAsync(cancellation).ConfigureAwait(false);
        return await Task.Run(() => use(library), cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// An answer and its pieces: begun on the engine when the library is free, which it is again for others once there is a first piece.
    /// </summary>
    /// <inheritdoc cref="UseAsync"/>
    public async Task<(Answer Answer, IAsyncEnumerable<string> Pieces)> AskAsync(
        string question, AskOptions how, EngineLoop engine, CancellationToken cancellation)
    {
        using IDisposable turn = await _turns.EnterAsync(cancellation).ConfigureAwait(false);
        Answer answer = await Task.Run(() => library.Ask(question, how, cancellation), cancellation).ConfigureAwait(false);
        return (answer, await answer.BeginAsync(engine, cancellation).ConfigureAwait(false));
    }

    /// <summary>The files that the store has.</summary>
    public Task<IReadOnlyList<StoredFileInfo>> FilesAsync(CancellationToken cancellation) =>
        UseAsync(open => open.Store.List(), cancellation);

    /// <summary>Saves an upload and takes it in; unchanged ones cost nothing, and one that is refused changes nothing.</summary>
    /// <exception cref="RequestException">The name or the size cannot be, or the file cannot be read.</exception>
    public async Task<IngestReport> AddAsync(string file, Stream content, IProgress<IngestProgress>? progress,
        CancellationToken cancellation)
    {
        string path = PathOf(file), part = Path.Combine(uploads, $".{Guid.NewGuid():N}{Part}");
        Directory.CreateDirectory(uploads);
        try
        {
            await using (FileStream written = File.Create(part))
            {
                await CopyAsync(content, written, cancellation).ConfigureAwait(false);
            }

            return await UseAsync(open =>
            {
                FileInfo[] others = [.. new DirectoryInfo(uploads).GetFiles().Where(one => one.FullName != path && one.Name[0] != '.')];
                if (others.Sum(one => one.Length) + new FileInfo(part).Length > options.MostCollectionBytes)
                    throw TooLarge($"the collection {name} would exceed {options.MostCollectionBytes:N0} bytes");
                return Replace(open, path, part, progress, cancellation);
            }, cancellation).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(part);
        }
    }

    /// <summary>Takes an upload in; where it cannot be read, what was there before stays.</summary>
    private static IngestReport Replace(
        DocumentLibrary open, string path, string part, IProgress<IngestProgress>? progress, CancellationToken cancellation)
    {
        string before = Path.ChangeExtension(part, ".before" + Part);
        try
        {
            if (File.Exists(path)) File.Copy(path, before);
            File.Move(part, path, overwrite: true);
            return open.Ingest([path], progress, cancellation);
        }
        catch (InvalidInputException refused)
        {
            if (File.Exists(before)) File.Move(before, path, overwrite: true);
            else File.Delete(path);
            // Where the server keeps it is nobody's business.
            throw RequestException.Bad(refused.Message.Replace(path, Path.GetFileName(path), StringComparison.Ordinal), "file");
        }
        finally
        {
            File.Delete(before);
        }
    }

    /// <summary>Takes a file out of the store, and away where it was uploaded.</summary>
    /// <exception cref="RequestException">There is none of this name.</exception>
    public Task RemoveAsync(string file, CancellationToken cancellation) => UseAsync(open =>
    {
        string path = Stored(open, file);
        open.Store.Remove(path);
        if (FileName().IsMatch(file) && path == PathOf(file)) File.Delete(path);
        return true;
    }, cancellation);

    /// <summary>The chunks of a file, in order.</summary>
    /// <exception cref="RequestException">There is none of this name.</exception>
    public Task<IReadOnlyList<Passage>> ChunksAsync(string file, CancellationToken cancellation) =>
        UseAsync(open => open.Chunks(Stored(open, file)), cancellation);

    public void Dispose()
    {
        library.Dispose();
        _turns.Dispose();
    }

    /// <summary>A file by the name that requests know it by: the last part of its path.</summary>
    private static string Stored(DocumentLibrary open, string file) =>
        open.Store.List().Select(one => one.Path).FirstOrDefault(path => Path.GetFileName(path) == file)
            ?? throw RequestException.NotFound("there is no such file in the collection", "file_not_found");

    /// <summary>Within the folder, whatever the name is: it has no separators and begins with no point.</summary>
    private string PathOf(string file) => FileName().IsMatch(file) ? Path.Combine(uploads, file)
        : throw RequestException.Bad("a file's name is 1 to 120 letters, digits, spaces and ._()+- , and begins with a letter or digit",
            "file");

    private async Task CopyAsync(Stream from, Stream to, CancellationToken cancellation)
    {
        byte[] buffer = new byte[81920];
        long bytes = 0;
        for (int read; (read = await from.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0;)
        {
            if ((bytes += read) > options.MostDocumentBytes) throw TooLarge($"a document has at most {options.MostDocumentBytes:N0} bytes");
            await to.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
        }
    }

    private static RequestException TooLarge(string message) => new(StatusCodes.Status413PayloadTooLarge, message);

    [GeneratedRegex(@"^[\p{L}\p{N}][\p{L}\p{N} ._()+\-]{0,119}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex FileName();
}
