using Kvasir.Generation;

namespace Kvasir.Server.Engine;

/// <summary>What one request at a time may use: who comes meanwhile waits in turn, and too many are refused.</summary>
internal sealed class Turns(int mostWaiting) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1);
    private int _inside;

    /// <summary>Waits for a turn, which ends when the result is disposed.</summary>
    /// <exception cref="QueueFullException">Too many wait.</exception>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _inside) > mostWaiting + 1)
        {
            Interlocked.Decrement(ref _inside);
            throw new QueueFullException(mostWaiting, Patience);
        }

        try
        {
            await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            Interlocked.Decrement(ref _inside);
            throw;
        }

        return new Turn(this);
    }

    public void Dispose() => _turn.Dispose();

    private sealed class Turn(Turns of) : IDisposable
    {
        public void Dispose()
        {
            of._turn.Release();
            Interlocked.Decrement(ref of._inside);
        }
    }
}
