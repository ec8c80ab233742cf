using System.Net;
using Kvasir.Generation;
using Kvasir.Models;
using Kvasir.Server.Collections;
using Kvasir.Server.Engine;
using Kvasir.Server.Mcp;
using Kvasir.Server.Requests;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry.Metrics;

namespace Kvasir.Server.Hosting;

/// <summary>
/// A server that speaks OpenAI's and Ollama's languages for a language model, an encoder and collections of documents; one engine behind it
/// computes all replies together.
/// </summary>
public sealed class KvasirServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ServedModels _models;
    private readonly DocumentCollections _collections;
    private readonly ServerOptions _options;

    private KvasirServer(WebApplication app, ServedModels models, DocumentCollections collections, ServerOptions options) =>
        (_app, _models, _collections, _options) = (app, models, collections, options);

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    internal EngineLoop Engine => _models.Engine;

    /// <summary>Starts a server.</summary>
    /// <param name="model">The language model; it must outlive the server.</param>
    /// <param name="encoder">The sentence encoder, which must outlive the server; null for none.</param>
    /// <param name="options">Where it listens, and its limits.</param>
    /// <exception cref="InvalidInputException">An option cannot be.</exception>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<KvasirServer> StartAsync(Model model, Model? encoder = null, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ServerOptions();
        options.Images?.CheckFits(model);
        if (options.ApiKey is "") throw new InvalidInputException("the key that callers have to show is empty; leave it out, or give one");
        // Other names would be taken for all addresses of the machine.
        if (!LocalHost.IsLoopback(options.Host) && !IPAddress.TryParse(options.Host, out _))
            throw new InvalidInputException($"{options.Host} is no address to listen on; give one such as 127.0.0.1, ::1 or 0.0.0.0");
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning)
            .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("ModelContextProtocol", LogLevel.Critical); // it tells what clients do wrong, with all that they sent
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Limit(kestrel, options));
        builder.WebHost.UseUrls(new UriBuilder("http", options.Host, options.Port).Uri.ToString());
        var models = new ServedModels(model, encoder, options);
        var collections = new DocumentCollections(model, encoder, options);
        builder.Services.AddRoutingCore().AddSingleton(options).AddSingleton(models).AddSingleton(collections);
        builder.Services.AddOpenTelemetry().WithMetrics(metrics =>
            metrics.AddMeter(EngineMeter.Name, "Microsoft.AspNetCore.Hosting").AddPrometheusExporter());
        builder.Services.AddMcpServer().WithHttpTransport(transport => transport.Stateless = true).WithTools<DocumentTools>();
        WebApplication app = builder.Build();
        app.UseMiddleware<Errors>();
        app.UseMiddleware<LocalHost>();
        app.UseMiddleware<ApiKey>();
        app.UseMiddleware<McpMessages>();
        app.UseRouting();
        foreach (Hosting.Endpoint endpoint in new Endpoints(models, collections, options).All())
            app.MapMethods(endpoint.Path, endpoint.Methods, endpoint.Handle);
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapMcp(McpMessages.Path);
        app.MapFallback(context => throw RequestException.NotFound("there is nothing here; /openapi.json says what there is", "not_found"));
        var server = new KvasirServer(app, models, collections, options);
        try
        {
            // The first request is not to wait for code to be compiled, least of all where its prompt is on disk already.
            await Task.Run(() => model.WarmUp(options.Engine.Policy)).ConfigureAwait(false);
            await app.StartAsync().ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Begins nothing any more, lets what runs come to its end for the time that the options give, and closes.</summary>
    public async Task StopAsync()
    {
        await _models.Engine.StopAsync(_options.ShutdownGrace).ConfigureAwait(false);
        using var closing = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _app.StopAsync(closing.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _models.Engine.StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _collections.Dispose();
        _models.Dispose();
    }

    private static void Limit(KestrelServerOptions kestrel, ServerOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = options.MostRequestBytes;
        kestrel.Limits.MaxConcurrentConnections = 4096;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
    }
}
