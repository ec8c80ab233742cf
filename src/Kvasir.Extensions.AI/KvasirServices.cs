using Kvasir.Documents;
using Kvasir.Generation;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.VectorData;

namespace Kvasir.Extensions.AI;

/// <summary>Kvasir in a program's services.</summary>
public static class KvasirServices
{
    /// <summary>The name of the activity source and the meters, for OpenTelemetry: <c>AddSource</c> and <c>AddMeter</c>.</summary>
    public const string TelemetryName = EngineMeter.Name;

    /// <summary>
    /// Adds an <see cref="IChatClient"/> on a local model, with logs and with traces and meters by OpenTelemetry's conventions for
    /// generative
    /// AI; and, where an encoder is named, an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>. The models are loaded when they are
    /// first
    /// asked for.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="configure">Names the model.</param>
    /// <returns>A builder for what is to stand before the client, such as <c>UseFunctionInvocation()</c>.</returns>
    public static ChatClientBuilder AddKvasir(this IServiceCollection services, Action<KvasirOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        var named = new KvasirOptions();
        configure(named);
        services.AddLogging();
        services.AddOptions<KvasirOptions>().Configure(configure)
            .Validate(options => options.ModelPath.Length > 0, "Kvasir: name a model (KvasirOptions.ModelPath)");
        services.AddSingleton<LoadedModels>();
        services.AddSingleton(provider => provider.GetRequiredService<LoadedModels>().Engine);
        if (named.EncoderPath is not null)
            services.AddEmbeddingGenerator(provider => provider.GetRequiredService<LoadedModels>().NewEmbeddingGenerator())
                .UseOpenTelemetry(sourceName: TelemetryName).UseLogging();
        return services.AddChatClient(provider => provider.GetRequiredService<LoadedModels>().NewChatClient())
            .UseOpenTelemetry(sourceName: TelemetryName).UseLogging();
    }

    /// <summary>
    /// Adds a store of documents that the models of <see cref="AddKvasir"/> read, which is to be called too: <see cref="KvasirDocuments"/>,
    /// also as <see cref="VectorStoreCollection{TKey, TRecord}"/>, <see cref="IVectorSearchable{TRecord}"/> and
    /// <see cref="IKeywordHybridSearchable{TRecord}"/>. The store is opened when it is first asked for.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="storeFolder">The store's folder, made where it is missing.</param>
    /// <param name="library">Chunk size and KV policy.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddKvasirDocuments(
        this IServiceCollection services, string storeFolder, LibraryOptions? library = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(storeFolder);
        services.AddSingleton(provider => provider.GetService<LoadedModels>()?.OpenDocuments(storeFolder, library)
            ?? throw new InvalidOperationException("Kvasir: documents need a model; call AddKvasir too"));
        services.AddSingleton<VectorStoreCollection<string, DocumentPassage>>(Documents);
        services.AddSingleton<IVectorSearchable<DocumentPassage>>(Documents);
        return services.AddSingleton<IKeywordHybridSearchable<DocumentPassage>>(Documents);
    }

    private static KvasirDocuments Documents(IServiceProvider provider) => provider.GetRequiredService<KvasirDocuments>();
}
