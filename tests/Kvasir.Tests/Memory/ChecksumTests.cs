using Kvasir.Memory;

namespace Kvasir.Tests.Memory;

public sealed class ChecksumTests
{
    [Fact]
    public void It_is_the_published_polynomial() => Assert.Equal(0xE3069283u, Checksum.Of(Encoding.ASCII.GetBytes("123456789")));

    [Fact]
    public void Lanes_words_and_rests_agree_with_bit_by_bit_division()
    {
        var random = new Random(1);
        foreach (int length in (int[])[0, 1, 7, 8, 9, 6143, 6144, 6145, 6151, 12288, 20011])
        {
            byte[] bytes = new byte[length + 3];
            random.NextBytes(bytes);
            for (int unaligned = 0; unaligned < 4; unaligned++)
                Assert.Equal(BitByBit(bytes.AsSpan(unaligned, length)), Checksum.Of(bytes.AsSpan(unaligned, length)));
        }
    }

    [Fact]
    public void Parts_one_after_another_give_the_checksum_of_the_whole()
    {
        var random = new Random(2);
        byte[] bytes = new byte[40_000];
        random.NextBytes(bytes);
        uint whole = Checksum.Of(bytes);
        for (int i = 0; i < 50; i++)
        {
            int cut = random.Next(bytes.Length);
            Assert.Equal(whole, Checksum.Of(bytes.AsSpan(cut), Checksum.Of(bytes.AsSpan(0, cut))));
        }
    }

    private static uint BitByBit(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }
}
