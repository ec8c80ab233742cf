using Kvasir.Formats;
using Kvasir.Quantization;

namespace Kvasir.Tests.Formats;

/// <summary>Small GGUF files made on the spot.</summary>
internal static class TestGguf
{
    /// <summary>Every kind of metadata and some tensors.</summary>
    public static GgufWriter Sample(int alignment = 32)
    {
        var writer = new GgufWriter(alignment);
        writer.Add("general.architecture", "llama");
        writer.Add("test.u8", (byte)200);
        writer.Add("test.i8", (sbyte)-100);
        writer.Add("test.u16", (ushort)60000);
        writer.Add("test.i16", (short)-30000);
        writer.Add("test.u32", 4_000_000_000u);
        writer.Add("test.i32", -2_000_000_000);
        writer.Add("test.u64", 9_000_000_000_000_000_000ul);
        writer.Add("test.i64", -9_000_000_000_000_000_000L);
        writer.Add("test.f32", 0.5f);
        writer.Add("test.f64", 0.1);
        writer.Add("test.true", true);
        writer.Add("test.text", "Ωmega");
        writer.Add("test.texts", new[] { "a", "", "ü" });
        writer.Add("test.integers", new[] { 1, -2, 3 });
        writer.Add("test.rates", new[] { 1f, 2.5f });
        writer.Add("test.flags", new[] { true, false });
        writer.AddTensor("matrix", TensorType.Q8_0, [3, 64], Ramp(3 * 64));
        writer.AddTensor("vector", TensorType.F32, [5], Ramp(5));
        writer.AddTensor("cube", TensorType.F16, [2, 3, 4], Ramp(24));
        return writer;
    }

    public static byte[] Bytes(GgufWriter writer)
    {
        using var stream = new MemoryStream();
        writer.Write(stream);
        return stream.ToArray();
    }

    public static float[] Ramp(int count) => [.. Enumerable.Range(0, count).Select(i => (i - (count / 2f)) / 8)];

    /// <summary>Reads every byte that a tensor claims.</summary>
    public static long Sum(Tensor tensor)
    {
        long sum = 0;
        for (int row = 0; row < tensor.Rows; row++)
        {
            foreach (byte value in tensor.RowBytes(row)) sum += value;
        }
        return sum;
    }
}
