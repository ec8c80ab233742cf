namespace Kvasir.Cli.Output;

/// <summary>
/// Standard output or error, which may be closed or full. Output that cannot be written is work that failed; what cannot be said on
/// standard error is not said.
/// </summary>
/// <param name="inner">The stream of the system.</param>
/// <param name="name">How a failure names it; null for standard error, whose failures nobody could be told.</param>
internal sealed class StandardStream(Stream inner, string? name) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            inner.Write(buffer);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            if (name is not null) throw new WorkFailedException($"{name} cannot be written: {problem.Message}", problem);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
