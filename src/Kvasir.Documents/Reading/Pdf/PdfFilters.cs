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
            using (var inflated = new DeflateStream(
                new MemoryStream(input[Math.Min(2, input.Length)..].ToArray()), CompressionMode.Decompress))
            {
                byte[] buffer = new byte[1 << 12];
                try
                {
                    for (int read; (read = inflated.Read(buffer)) > 0;) packed.Write(buffer.AsSpan(0, read));
                }
                catch (InvalidDataException)
                {
                    // What was read is what there is.
                }
            }

            return _whole.Decode(sound.ToArray(), streamDictionary, filterProvider, filterIndex);
        }
    }
}
