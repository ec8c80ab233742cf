using Microsoft.Win32.SafeHandles;

namespace Kvasir.Documents.Reading;

/// <summary>
/// Reads files into documents. What needs a parser for markup, tables or packed files is read by a <see cref="ReaderProcess"/>, which
/// serves one document after another.
/// </summary>
internal sealed class DocumentReader(Func<ReaderProcess?> start) : IDisposable
{
    /// <summary>Files beyond this are refused: their text, its chunks and their terms are held in memory while they are read.</summary>
    public const long LongestFile = 256L << 20;

    private readonly SemaphoreSlim _turn = new(1);
    private ReaderProcess? _process;

    /// <summary>A reader by this library's own program.</summary>
    public DocumentReader()
        : this(ReaderProcess.Start) { }

    /// <summary>The bytes of a file, or its first ones.</summary>
    /// <exception cref="UnreadableDocumentException">Missing, not permitted, too large, or not a regular file.</exception>
    public static byte[] Load(string path, int? first = null)
    {
        try
        {
            // Pipes, sockets and devices have no length, and opening one may wait for ever.
            long length = ((FileInfo?)File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)).Length;
            if (length == 0) throw new UnreadableDocumentException("the file is empty, or no regular file (a pipe, socket or device)");
            if (first is not { } count)
            {
                return length <= LongestFile ? File.ReadAllBytes(path)
                    : throw new UnreadableDocumentException($"larger than {LongestFile >> 20} MiB; split it");
            }

            using SafeFileHandle file = File.OpenHandle(path);
            byte[] bytes = new byte[Math.Min(count, length)];
            return bytes[..RandomAccess.Read(file, bytes, 0)];
        }
        catch (UnauthorizedAccessException)
        {
            throw new UnreadableDocumentException("no permission to read it");
        }
        catch (IOException error)
        {
            throw new UnreadableDocumentException($"cannot be read ({error.Message})");
        }
    }

    /// <summary>The documents in a file's bytes. Safe on any thread.</summary>
    /// <exception cref="UnreadableDocumentException">No document, or made to exhaust time, memory or stack.</exception>
    public IReadOnlyList<Document> Read(string path, byte[] bytes, bool comments = false, CancellationToken cancellation = default)
    {
        if (!DocumentKinds.NeedsReaderProcess(DocumentKinds.Of(path))) return DocumentParser.Parse(path, bytes, comments);
        _turn.Wait(cancellation);
        try
        {
            _process ??= start();
            return _process is null ? DocumentParser.Parse(path, bytes, comments) : [_process.Read(path, bytes, comments, cancellation)];
        }
        finally
        {
            if (_process is { HasEnded: true }) End();
            _turn.Release();
        }
    }

    public void Dispose()
    {
        End();
        _turn.Dispose();
    }

    private void End()
    {
        _process?.Dispose();
        _process = null;
    }
}
