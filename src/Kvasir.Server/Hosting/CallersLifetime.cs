using Microsoft.Extensions.Hosting;

namespace Kvasir.Server.Hosting;

/// <summary>Whoever started the server stops it: it listens to no signals of the process.</summary>
internal sealed class CallersLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
