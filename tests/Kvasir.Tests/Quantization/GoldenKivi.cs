using System.Text.Json;
using Kvasir.Cache;
using Kvasir.Formats;

namespace Kvasir.Tests.Quantization;

/// <summary>One case of the KIVI reference's quantiser (shared golden/kivi/quant), with accessors in the orders of our blocks.</summary>
internal sealed class GoldenKivi(JsonElement entry, SafetensorsFile tensors)
{
    public const int Channels = 64;

    private readonly float[] _x = tensors.Floats(entry.GetProperty("x").GetString()!);

    public string Name { get; } = entry.GetProperty("name").GetString()!;

    public int Bits { get; } = entry.GetProperty("bits").GetInt32();

    /// <summary>Groups along the tokens of a channel (keys), else along the channels of a token (values).</summary>
    public bool PerChannel { get; } = entry.GetProperty("kind").GetString()!.StartsWith("per-channel", StringComparison.Ordinal);

    public int Heads { get; } = entry.GetProperty("shape")[0].GetInt32();

    public int Tokens { get; } = entry.GetProperty("shape")[1].GetInt32();

    private int Levels => (1 << Bits) - 1;

    /// <summary>All cases; the calling test is skipped where the files are missing.</summary>
    public static IEnumerable<GoldenKivi> All()
    {
        using SafetensorsFile tensors = SafetensorsFile.Open(SharedData.Require("golden/kivi/quant.safetensors"));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("golden/kivi/quant.json")));
        foreach (JsonElement entry in document.RootElement.GetProperty("cases").EnumerateArray())
            yield return new GoldenKivi(entry, tensors);
    }

    /// <summary>A number of the case, such as <c>sum_codes</c>.</summary>
    public double Number(string name) => entry.GetProperty(name).GetDouble();

    public bool Has(string suffix) => entry.GetProperty("tensors").EnumerateArray().Any(name => name.GetString() == suffix);

    public float X(int head, int token, int channel) => _x[At(head, token, channel)];

    /// <summary>The code in the official packing.</summary>
    public Func<int, int, int, int> PackedCodes()
    {
        uint[] words = MemoryMarshal.Cast<byte, uint>(tensors.Bytes($"{Name}.packed")).ToArray();
        int perWord = 32 / Bits;
        return (head, token, channel) =>
        {
            int along = PerChannel ? token
                : channel, length = PerChannel ? Tokens : Channels, row = PerChannel ? head * Channels + channel : head * Tokens + token;
            return (int)(words[row * (length / perWord) + along / perWord] >> (along % perWord * Bits)) & Levels;
        };
    }

    /// <summary>A tensor of codes [head, token, channel].</summary>
    public Func<int, int, int, int> Codes(string suffix)
    {
        byte[] codes = tensors.Bytes($"{Name}.{suffix}").ToArray();
        return (head, token, channel) => codes[At(head, token, channel)];
    }

    /// <summary>A tensor of values [head, token, channel].</summary>
    public Func<int, int, int, float> Values(string suffix)
    {
        float[] values = tensors.Floats($"{Name}.{suffix}");
        return (head, token, channel) => values[At(head, token, channel)];
    }

    /// <summary>A tensor of scales or minima, by the position of a member of the group.</summary>
    public Func<int, int, int, float> OfGroup(string suffix)
    {
        float[] values = tensors.Floats($"{Name}.{suffix}");
        return PerChannel
            ? (head, token, channel) => values[(head * Channels + channel) * (Tokens / 32) + token / 32]
            : (head, token, channel) => values[(head * Tokens + token) * (Channels / 32) + channel / 32];
    }

    /// <summary>
    /// The tokens from <paramref name="first"/> on as a block: keys [channels, 32 tokens] or values [32 tokens, channels].
    /// </summary>
    public float[] Block(int head, int first)
    {
        var block = new float[Channels * KvBlock.Tokens];
        for (int t = 0; t < Math.Min(KvBlock.Tokens, Tokens - first); t++)
            for (int c = 0; c < Channels; c++) block[PlaceInBlock(t, c)] = X(head, first + t, c);
        return block;
    }

    public int PlaceInBlock(int token, int channel) => PerChannel ? channel * KvBlock.Tokens + token : token * Channels + channel;

    private int At(int head, int token, int channel) => (head * Tokens + token) * Channels + channel;
}
