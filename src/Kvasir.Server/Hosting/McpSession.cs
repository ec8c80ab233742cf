using Kvasir.Models;
using Kvasir.Server.Collections;
using Kvasir.Server.Engine;
using Kvasir.Server.Mcp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kvasir.Server.Hosting;

/// <summary>Collections of documents as tools for one program, which speaks through a pair of streams (stdio).</summary>
public static class McpSession
{
    /// <summary>Answers until the input ends.</summary>
    /// <param name="model">The language model.</param>
    /// <param name="encoder">The sentence encoder; null for none.</param>
    /// <param name="options">The folder of the documents, and limits.</param>
    /// <param name="input">What the program says.</param>
    /// <param name="output">What it is answered.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task RunAsync(
        Model model, Model? encoder, ServerOptions options, Stream input, Stream output, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var collections = new DocumentCollections(model, encoder, options);
        using var models = new ServedModels(model, encoder, options);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>().AddSingleton(collections).AddSingleton(models);
        builder.Services.AddMcpServer().WithStreamServerTransport(input, output).WithTools<DocumentTools>();
        using IHost host = builder.Build();
        await host.RunAsync(cancellation).ConfigureAwait(false);
    }
}
