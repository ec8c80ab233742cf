using System.Text;
using Kvasir.Formats;

namespace Kvasir.Tests.Tokenization;

/// <summary>A model that is metadata only: from a dictionary, or from the head of a GGUF file.</summary>
internal sealed class MetadataFile(IReadOnlyDictionary<string, object> metadata, string? tokenizerJson = null) : ModelFile
{
    public override string Path => tokenizerJson ?? "test.gguf";

    public override IReadOnlyDictionary<string, object> Metadata => metadata;

    public override IReadOnlyDictionary<string, Tensor> Tensors { get; } = new Dictionary<string, Tensor>();

    public override bool InterleavedRotary => false;

    public override string? TokenizerJsonPath => tokenizerJson;

    internal override void Release(Tensor tensor)
    {
    }

    protected override void Dispose(bool disposing)
    {
    }

    public static MetadataFile Gguf(string path)
    {
        using var reader = new BinaryReader(File.OpenRead(path));
        reader.BaseStream.Position = 16;
        var metadata = new Dictionary<string, object>();
        for (ulong left = reader.ReadUInt64(); left > 0; left--)
        {
            string key = Text(reader);
            metadata[key] = Value(reader, reader.ReadUInt32());
        }
        return new MetadataFile(metadata);
    }

    private static string Text(BinaryReader reader) => Encoding.UTF8.GetString(reader.ReadBytes((int)reader.ReadUInt64()));

    private static object Value(BinaryReader reader, uint type)
    {
        switch (type)
        {
            case 0: return (long)reader.ReadByte();
            case 1: return (long)reader.ReadSByte();
            case 2: return (long)reader.ReadUInt16();
            case 3: return (long)reader.ReadInt16();
            case 4: return (long)reader.ReadUInt32();
            case 5: return (long)reader.ReadInt32();
            case 6: return (double)reader.ReadSingle();
            case 7: return reader.ReadByte() != 0;
            case 8: return Text(reader);
            case 10 or 11: return reader.ReadInt64();
            case 12: return reader.ReadDouble();
        }
        uint element = reader.ReadUInt32();
        object[] values = new object[reader.ReadInt64()];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Value(reader, element);
        }
        return element switch
        {
            8 => values.Cast<string>().ToArray(),
            6 or 12 => values.Cast<double>().ToArray(),
            7 => values.Cast<bool>().ToArray(),
            _ => values.Cast<long>().ToArray(),
        };
    }
}
