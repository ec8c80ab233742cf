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

    /// <inheritdoc cref="Model.Forward"/>
    void Forward(Batch batch, CancellationToken cancellation = default);
}
