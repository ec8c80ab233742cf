using System.Net.Sockets;
using Kvasir.Server.Hosting;

namespace Kvasir.Server.Tests;

/// <summary>A thousand clients that stop reading, vanish, or send garbage.</summary>
[Collection(Alone.Name)]
public sealed class RudeClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const int Clients = 1000, Together = 100;
    private const int MostHandlesMore = 30; // of the runtime's own threads and timers
    private const long MostBytesMore = 16 << 20;

    private const string Asks = "{\"model\":\"kvasir\",\"prompt\":\"x\",\"max_tokens\":3000,\"temperature\":0,\"stream\":true}";

    [Fact]
    public async Task Clients_without_manners_leave_no_sequence_no_byte_and_no_handle()
    {
        await using KvasirServer server = await KvasirServer.StartAsync(fixture.Model, null, new ServerOptions
        {
            Port = 0,
            Engine = new EngineOptions { Policy = ServerFixture.Exact, PrefixBytes = 0, QueueLimit = 500 },
        });
        var statuses = new List<string>();
        await RunAsync(Together); // whatever is made once is made now
        (int handles, long bytes) = await LeftAsync(server);
        statuses.Clear();
        await RunAsync(Clients);
        Assert.Contains(statuses, status => status.StartsWith("HTTP/1.1 400", StringComparison.Ordinal));
        Assert.DoesNotContain(statuses, status => status.StartsWith("HTTP/1.1 5", StringComparison.Ordinal));
        (int handlesLeft, long bytesLeft) = await LeftAsync(server);
        EngineStatus status = await server.Engine.GetStatusAsync();
        Assert.Equal((0, 0, 0L), (status.Running, status.Waiting, status.KvBytes));
        Assert.InRange(handlesLeft, 0, handles + MostHandlesMore);
        Assert.InRange(bytesLeft, 0, bytes + MostBytesMore);

        Task RunAsync(int clients) => Parallel.ForEachAsync(
            Enumerable.Range(0, clients), new ParallelOptions { MaxDegreeOfParallelism = Together }, async (client, _) =>
        {
            string answer = await BehaveAsync(server.Address.Port, client);
            lock (statuses) statuses.Add(answer);
        });
    }

    /// <summary>The first bytes of an answer, where one is waited for.</summary>
    private static async Task<string> BehaveAsync(int port, int client)
    {
        var random = new Random(client);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", port);
        try
        {
            switch (client % 7)
            {
                case 0: // asks for a long reply and reads none of it
                    socket.ReceiveBufferSize = 1024;
                    await socket.SendAsync(Request(Asks));
                    await Task.Delay(random.Next(500));
                    return "";
                case 1: // vanishes in the middle of the body
                    await socket.SendAsync(Request(Asks).AsMemory(0, 150));
                    return "";
                case 2: // sends slowly, and then is gone without a farewell
                    foreach (byte one in Request(Asks).AsSpan(0, 140).ToArray()[^8..])
                    {
                        await socket.SendAsync(new[] { one });
                        await Task.Delay(20);
                    }

                    socket.LingerState = new LingerOption(true, 0);
                    return "";
                case 3:
                    byte[] garbage = new byte[2000];
                    random.NextBytes(garbage);
                    await socket.SendAsync(garbage);
                    return await FirstAsync(socket);
                case 4:
                    await socket.SendAsync(Request(new string('[', 10_000)));
                    return await FirstAsync(socket);
                case 5:
                    await socket.SendAsync(Request(Asks.Replace("3000", "1e999", StringComparison.Ordinal).Replace('x', (char)0xff)));
                    return await FirstAsync(socket);
                default: // leaves while its reply is computed
                    await socket.SendAsync(Request(Asks.Replace("true", "false", StringComparison.Ordinal)));
                    await Task.Delay(random.Next(20));
                    return "";
            }
        }
        catch (SocketException)
        {
            return ""; // the server was quicker to end it
        }
    }

    private static byte[] Request(string body) => Encoding.Latin1.GetBytes(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + $"Content-Length: {body.Length}\r\n\r\n{body}");

    private static async Task<string> FirstAsync(Socket socket)
    {
        byte[] answer = new byte[32];
        return Encoding.ASCII.GetString(answer, 0, await socket.ReceiveAsync(answer));
    }

    /// <summary>Handles and live bytes once all is quiet.</summary>
    private static async Task<(int Handles, long Bytes)> LeftAsync(KvasirServer server)
    {
        for (int i = 0; i < 1000 && server.Engine.InFlight > 0; i++) await Task.Delay(10);
        using Process own = Process.GetCurrentProcess();
        int handles = int.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            await Task.Delay(50);
            own.Refresh();
            handles = Math.Min(handles, own.HandleCount);
        }

        return (handles, GC.GetTotalMemory(forceFullCollection: true));
    }
}
