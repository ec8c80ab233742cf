using Kvasir.Vision.Pictures;

namespace Kvasir.Vision.Tests.Pictures;

/// <summary>
/// Damaged files of every format: bytes changed, cut out, repeated, and cut off. Each is read or refused in one line. KVASIR_FUZZ says how
/// many of each format (300 unless given).
/// </summary>
public sealed class PictureFuzzTests
{
    public static TheoryData<string> Formats => [.. PictureFiles.Formats];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Damaged_pictures_are_read_or_refused(string format)
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("KVASIR_FUZZ"), out int asked) ? asked : 300, refused = 0;
        byte[] sound = PictureFiles.Encoded(48, 36, format);
        var random = new Random(format.Length);
        for (int i = 0; i < count; i++)
        {
            byte[] damaged = Damaged(sound, random);
            try
            {
                Picture read = PictureReader.Read(damaged, "x");
                Assert.Equal(read.Width * read.Height * 3, read.Pixels.Length);
            }
            catch (InvalidInputException refusal)
            {
                refused++;
                Assert.DoesNotContain('\n', refusal.Message);
            }
        }

        Assert.InRange(refused, 1, count);
    }

    private static byte[] Damaged(byte[] sound, Random random)
    {
        List<byte> bytes = [.. sound];
        for (int change = random.Next(1, 6); change > 0; change--)
        {
            int at = random.Next(random.Next(4) == 0 ? Math.Min(bytes.Count, 64) : bytes.Count);
            int length = Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0: bytes.RemoveRange(at, length); break;
                case 1: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
                case 2: bytes.RemoveRange(at, random.Next(4) == 0 ? bytes.Count - at : length); break;
                case 3: bytes[at] = (byte)(random.Next(2) * 255); break;
                default: bytes[at] = (byte)random.Next(256); break;
            }

            if (bytes.Count == 0) bytes.Add(0);
        }

        return [.. bytes];
    }
}
