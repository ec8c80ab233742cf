using Kvasir.Cache;

namespace Kvasir.Models;

/// <summary>What computes batches: the seam at which another back end stands, or a test's own small model.</summary>
internal interface IForwardEngine
{
    /// <summary>The longest sequence.</summary>
    int ContextLength { get; }

    /// <summary>The shape of its caches.</summary>
    KvLayout CacheLayout { get; }

    /// <inheritdoc cref="Model.Forecast"/>
    KvForecast Forecast(KvPolicy? policy = null);

    /// <summary>Whether the rows of an image must be computed in one step (<see cref="EmbeddedRuns"/>).</summary>
    bool ComputesRunsWhole => false;

    /// <inheritdoc cref="Model.Forward"/>
    void Forward(Batch batch, CancellationToken cancellation = default);
}
