using Kvasir.Memory;

namespace Kvasir.Training.Runs;

/// <summary>
/// A training that can be gone on with, bit for bit: the steps done, and of all parameters that train the values and the optimiser's means.
/// The file is a magic, a description of what is trained and how, the step, the floats, and a CRC-32C over all of it.
/// </summary>
internal static class Checkpoint
{
    private static ReadOnlySpan<byte> Magic => "KVTRAIN2"u8;

    /// <summary>Writes the file whole or not at all.</summary>
    /// <param name="path">Its place.</param>
    /// <param name="description">What must be the same when it is read again, as lines of <c>name: value</c>.</param>
    /// <param name="trainer">The training.</param>
    public static void Save(string path, string description, Trainer trainer)
    {
        using var file = new ReplacedFile(path);
        uint sum = 0;
        byte[] text = Encoding.UTF8.GetBytes(description);
        Write(Magic);
        Write(BitConverter.GetBytes(text.Length));
        Write(text);
        Write(BitConverter.GetBytes(trainer.Steps));
        foreach (float[] values in trainer.Optimizer.State) Write(MemoryMarshal.AsBytes<float>(values));
        file.Stream.Write(BitConverter.GetBytes(sum));
        file.Commit();

        void Write(ReadOnlySpan<byte> bytes)
        {
            file.Stream.Write(bytes);
            sum = Checksum.Of(bytes, sum);
        }
    }

    /// <summary>Puts a training where it was when the file was written.</summary>
    /// <exception cref="InvalidInputException">No checkpoint, damaged, or of another training: the line says what differs.</exception>
    public static void Load(string path, string description, Trainer trainer)
    {
        using FileStream stream = File.OpenRead(path);
        uint sum = 0;
        if (stream.Length < Magic.Length + 12 || !Magic.SequenceEqual(Read(Magic.Length)))
            throw new InvalidInputException($"{path}: not a checkpoint of a training");
        int length = BitConverter.ToInt32(Read(sizeof(int)));
        if (length < 0 || length > stream.Length - stream.Position) throw Damaged(path);
        RequireSame(path, Encoding.UTF8.GetString(Read(length)), description);
        long expected = stream.Position + 2 * sizeof(int) + trainer.Optimizer.State.Sum(values => (long)values.Length * sizeof(float));
        if (stream.Length != expected) throw Damaged(path);
        int steps = BitConverter.ToInt32(Read(sizeof(int)));
        foreach (float[] values in trainer.Optimizer.State) Fill(MemoryMarshal.AsBytes(values.AsSpan()));
        uint found = sum;
        if (BitConverter.ToUInt32(Read(sizeof(uint))) != found) throw Damaged(path);
        trainer.Steps = steps;

        byte[] Read(int count)
        {
            byte[] bytes = new byte[count];
            Fill(bytes);
            return bytes;
        }

        void Fill(Span<byte> bytes)
        {
            stream.ReadExactly(bytes);
            sum = Checksum.Of(bytes, sum);
        }
    }

    private static void RequireSame(string path, string found, string expected)
    {
        if (found == expected) return;
        string[] before = found.Split('\n'), now = expected.Split('\n');
        (string before, string now) other = before.Zip(now).FirstOrDefault(lines => lines.First != lines.Second);
        throw new InvalidInputException(other.now is null
            ? $"{path}: a checkpoint of another kind of training; begin anew"
            : $"{path}: of a training with {other.before}, now it is {other.now}; give the same, or begin anew");
    }

    private static InvalidInputException Damaged(string path) =>
        new($"{path}: damaged or cut short; begin anew");
}
