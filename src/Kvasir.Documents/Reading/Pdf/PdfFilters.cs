using System.IO.Compression;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>PdfPig's filters; a broken Flate stream gives what stands before the break.</summary>
internal sealed class PdfFilters() : BaseFilterProvider(Filters())
{
    private static Dictionary<string, IFilter> Filters()
    {
        const string Names = "LZWDecode LZW RunLengthDecode RL ASCII85Decode A85 ASCIIHexDecode AHx "
            + "DCTDecode DCT JPXDecode JBIG2Decode CCITTFaxDecode CCF";
        Dictionary<string, IFilter> filters = Names.Split(' ')
            .ToDictionary(name => name, name => DefaultFilterProvider.Instance.GetNamedFilters([NameToken.Create(name)])[0]);
        filters["FlateDecode"] = filters["Fl"] = new Flate();
        return filters;
    }

    private sealed class Flate : IFilter
    {
        private readonly FlateFilter _whole = new();

        public bool IsSupported => true;

        public Memory<byte> Decode(Memory<byte> input, DictionaryToken streamDictionary, IFilterProvider filterProvider, int filterIndex)
        {
            // Packed anew without compression, for the predictor that may be asked for.
            using var sound = new MemoryStream();
            using (var packed = new ZLibStream(sound, CompressionLevel.NoCompression, leaveOpen: true))
                Inflate(input[Math.Min(2, input.Length)..].ToArray(), packed);

            return _whole.Decode(sound.ToArray(), streamDictionary, filterProvider, filterIndex);
        }

        /// <summary>
        /// Unpacks what stands before a break. A reading that meets it gives nothing, so the last of it is read again byte by byte.
        /// </summary>
        private static void Inflate(byte[] deflated, Stream output, long written = 0, bool isBroken = false)
        {
            using var inflated = new DeflateStream(new MemoryStream(deflated), CompressionMode.Decompress);
            byte[] buffer = new byte[1 << 12];
            long at = 0;
            try
            {
                for (int read; (read = inflated.Read(buffer.AsSpan(0, Step()))) > 0; at += read)
                {
                    if (at >= written) output.Write(buffer.AsSpan(0, read));
                }
            }
            catch (InvalidDataException) when (!isBroken)
            {
                Inflate(deflated, output, at, isBroken: true);
            }
            catch (InvalidDataException)
            {
                // What was read is what there is.
            }

            int Step() => isBroken ? (int)Math.Clamp(written - at, 1, buffer.Length) : buffer.Length;
        }
    }
}
