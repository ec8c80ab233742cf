using Kvasir.Cache;
using Kvasir.Documents;
using Kvasir.Generation;
using Kvasir.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kvasir.Extensions.AI;

/// <summary>The models of a program, loaded when they are first needed and freed with its services.</summary>
internal sealed partial class LoadedModels(IOptions<KvasirOptions> options, ILogger<LoadedModels> logger) : IDisposable
{
    private readonly Lazy<(Model Model, EngineLoop Engine)> _model = new(() =>
    {
        Model model = Model.Load(options.Value.ModelPath, options.Value.Model);
        LogLoaded(logger, model.Path, model.WeightBytes, options.Value.Engine.Policy);
        return (model, new EngineLoop(model, options.Value.Engine));
    });

    private readonly Lazy<Model?> _encoder = new(() =>
        options.Value.EncoderPath is { } path ? Model.Load(path, options.Value.Model) : null);

    public EngineLoop Engine => _model.Value.Engine;

    public KvasirChatClient NewChatClient() => new(Engine, Path.GetFileNameWithoutExtension(options.Value.ModelPath));

    public KvasirEmbeddingGenerator NewEmbeddingGenerator() =>
        new(_encoder.Value!, Path.GetFileNameWithoutExtension(options.Value.EncoderPath!));

    public KvasirDocuments OpenDocuments(string storeFolder, LibraryOptions? library) =>
        new(storeFolder, _model.Value.Model, _encoder.Value, library);

    public void Dispose()
    {
        if (_model.IsValueCreated)
        {
            _model.Value.Engine.Dispose();
            _model.Value.Model.Dispose();
        }

        if (_encoder.IsValueCreated) _encoder.Value?.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Kvasir loaded {Model} ({Bytes} bytes of weights), KV kept as {Policy}")]
    private static partial void LogLoaded(ILogger logger, string model, long bytes, KvPolicy policy);
}
