using System.IO.Compression;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>PdfPig's filters, held to a size that a stream may unpack to; a broken Flate stream gives what stands before the break.</summary>
internal sealed class PdfFilters(int fileLength)
    : BaseFilterProvider(Bounded(Math.Min(128L << 20, (8L << 20) + (60L * fileLength))))
{
    private static Dictionary<string, IFilter> Bounded(long longest)
    {
        const string Names = "FlateDecode Fl LZWDecode LZW RunLengthDecode RL ASCII85Decode A85 ASCIIHexDecode AHx "
            + "DCTDecode DCT JPXDecode JBIG2Decode CCITTFaxDecode CCF";
        IFilterProvider all = DefaultFilterProvider.Instance;
        return Names.Split(' ').ToDictionary(name => name, name => (IFilter)new Bound(all.GetNamedFilters([NameToken.Create(name)])[0], longest));
    }

    private sealed class Bound(IFilter filter, long longest) : IFilter
    {
        public bool IsSupported => filter.IsSupported;

        public Memory<byte> Decode(Memory<byte> input, DictionaryToken streamDictionary, IFilterProvider filterProvider, int filterIndex)
        {
            Memory<byte> sound = filter is FlateFilter ? Sound(input) : input;
            Memory<byte> output = filter.Decode(sound, streamDictionary, filterProvider, filterIndex);
            return output.Length > longest ? throw TooLong() : output;
        }

        /// <summary>The input itself where it can be inflated to its end, else what can be inflated of it, packed anew.</summary>
        private Memory<byte> Sound(Memory<byte> input)
        {
            if (input.Length < 2) return input;

            using var inflated = new DeflateStream(new MemoryStream(input[2..].ToArray()), CompressionMode.Decompress);
            byte[] buffer = new byte[1 << 16];
            long length = 0;
            try
            {
                for (int read; (read = inflated.Read(buffer)) > 0;)
                {
                    length += read;
                    if (length > longest) throw TooLong();
                }

                return input;
            }
            catch (InvalidDataException)
            {
                return Repacked(input[2..], length);
            }
        }

        private static byte[] Repacked(Memory<byte> input, long length)
        {
            var packed = new MemoryStream();
            using (var deflate = new ZLibStream(packed, CompressionLevel.NoCompression))
            using (var inflated = new DeflateStream(new MemoryStream(input.ToArray()), CompressionMode.Decompress))
            {
                for (int value; length-- > 0 && (value = inflated.ReadByte()) >= 0;) deflate.WriteByte((byte)value);
            }

            return packed.ToArray();
        }

        private UnreadableDocumentException TooLong() => new($"a part of it unpacks to more than {longest >> 20} MiB");
    }
}
