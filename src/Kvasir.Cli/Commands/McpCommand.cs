using Kvasir.Server.Hosting;

namespace Kvasir.Cli.Commands;

/// <summary><c>mcp</c>: documents as tools for another program, through standard input and output.</summary>
internal static class McpCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand(
            "mcp", "Documents as tools of the Model Context Protocol, through standard input and output: a program starts this, not a "
                + "person.",
            "kvasir mcp --store collections/");
        CommonOptions common = CommonOptions.ForModel(command);
        var collections = new CollectionsOptions(command, common);
        return command.Does(parsed => collections.With(parsed, terminal, async (model, encoder, options) =>
        {
            await using Stream output = Console.OpenStandardOutput();
            await McpSession.RunAsync(model, encoder, options, terminal.In, output, terminal.Interrupted).ConfigureAwait(false);
        }));
    }
}
