using System.Globalization;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>
/// The objects of a PDF file. They are found by one pass over the file instead of by its cross-reference tables, which are often damaged; where
/// an object stands twice, the later one holds, as in files that were updated by appending.
/// </summary>
internal sealed class PdfFile
{
    /// <summary>Bytes that one stream may unpack to, and all of them, forms as often as they are drawn.</summary>
    private const long LongestStream = 64L << 20, MostUnpacked = 2L << 30;

    private const int MostObjects = 4 << 20;
    private const int MostHops = 32;

    /// <summary>Bytes that may be parsed in all: objects are parsed each time they are asked for.</summary>
    private const long MostParsed = 4L << 30;

    private readonly byte[] _data;
    private readonly Dictionary<int, Place> _objects = [];
    private readonly List<PdfDictionary> _trailers = [];
    private long _unpacked, _parsed;

    /// <exception cref="UnreadableDocumentException">No PDF file, encrypted, or made to exhaust memory.</exception>
    public PdfFile(byte[] data)
    {
        _data = data;
        if (data.AsSpan(0, Math.Min(data.Length, 1024)).IndexOf("%PDF-"u8) < 0)
        {
            throw new UnreadableDocumentException("not a PDF file");
        }

        List<int> objectStreams = FindObjects();
        FindTrailers();
        if (_trailers.Any(trailer => trailer["Encrypt"] is not null))
        {
            throw new UnreadableDocumentException("encrypted; save it without a password");
        }

        foreach (int offset in objectStreams)
        {
            AddObjectsOf(offset);
            if (_unpacked > DocumentReader.LongestFile)
            {
                throw new UnreadableDocumentException("a PDF file whose objects do not fit into memory");
            }
        }
    }

    /// <summary>The document's catalog.</summary>
    public PdfDictionary? Catalog => Find("Root") ?? OfType("Catalog").FirstOrDefault();

    /// <summary>All dictionaries of a type, in the order of their numbers.</summary>
    public IEnumerable<PdfDictionary> OfType(string type) =>
        _objects.Keys.Order().Select(number => Dictionary(new PdfReference(number))).OfType<PdfDictionary>().Where(dictionary => Name(dictionary["Type"]) == type);

    /// <summary>The document's properties.</summary>
    public PdfDictionary? Information => Find("Info");

    /// <summary>The value itself, or what it refers to.</summary>
    public object? Resolve(object? value)
    {
        for (int hop = 0; value is PdfReference reference; hop++)
        {
            value = hop < MostHops && _objects.TryGetValue(reference.Number, out Place place) ? ReadObject(place.Data, place.Offset, out _) : null;
        }

        return value;
    }

    public PdfDictionary? Dictionary(object? value) => Resolve(value) switch
    {
        PdfDictionary dictionary => dictionary,
        PdfStream stream => stream.Dictionary,
        _ => null,
    };

    public List<object?> Array(object? value) => Resolve(value) as List<object?> ?? [];

    public string? Name(object? value) => (Resolve(value) as PdfName)?.Text;

    public double? Number(object? value) => Resolve(value) is double number ? number : null;

    /// <summary>The bytes of a stream, its filters undone; empty where one is not known.</summary>
    /// <exception cref="UnreadableDocumentException">The file unpacks to too much.</exception>
    public byte[] Unpack(PdfStream stream)
    {
        byte[] bytes = PdfFilters.Undo(this, stream, Math.Min(LongestStream, MostUnpacked - _unpacked));
        _unpacked += bytes.Length;
        return bytes;
    }

    private PdfDictionary? Find(string key) => _trailers.AsEnumerable().Reverse().Select(trailer => Dictionary(trailer[key])).FirstOrDefault(found => found is not null);

    /// <summary>Notes where each "n g obj" stands, passing over streams; gives the offsets of the object streams.</summary>
    private List<int> FindObjects()
    {
        var objectStreams = new List<int>();
        int at = 0;
        while (_data.AsSpan(at).IndexOf("obj"u8) is >= 0 and int found)
        {
            int offset = at + found + 3;
            if (NumberBefore(at + found) is not { } number)
            {
                at = offset;
                continue;
            }

            Add(number, new Place(_data, offset, offset));
            object? value = ReadObject(_data, offset, out at);
            if (value is PdfStream stream)
            {
                switch ((stream.Dictionary["Type"] as PdfName)?.Text)
                {
                    case "ObjStm":
                        objectStreams.Add(offset);
                        break;
                    case "XRef":
                        _trailers.Add(stream.Dictionary);
                        break;
                }
            }

            else if (_data.AsSpan(offset, at - offset).IndexOf("endobj"u8) is >= 0 and int end)
            {
                // A string or dictionary that is not closed must not swallow the objects behind it.
                at = offset + end;
            }

            at = Math.Max(at, offset);
        }

        return objectStreams;
    }

    private void Add(int number, Place place)
    {
        if (!_objects.TryGetValue(number, out Place known) || known.Order <= place.Order)
        {
            _objects[number] = place;
        }

        if (_objects.Count > MostObjects)
        {
            throw new UnreadableDocumentException("a PDF file of unreasonably many objects");
        }
    }

    /// <summary>The object number of the "n g" before an offset.</summary>
    private int? NumberBefore(int offset)
    {
        int end = SpaceBefore(offset);
        int start = DigitsBefore(end);
        int numberEnd = SpaceBefore(start);
        int numberStart = DigitsBefore(numberEnd);
        return start < end && numberEnd < start && numberStart < numberEnd
            && int.TryParse(_data.AsSpan(numberStart, numberEnd - numberStart), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }

    private int SpaceBefore(int offset)
    {
        while (offset > 0 && PdfLexer.IsSpace(_data[offset - 1]))
        {
            offset--;
        }

        return offset;
    }

    private int DigitsBefore(int offset)
    {
        while (offset > 0 && char.IsAsciiDigit((char)_data[offset - 1]))
        {
            offset--;
        }

        return offset;
    }

    private void FindTrailers()
    {
        for (int at = 0; _data.AsSpan(at).IndexOf("trailer"u8) is >= 0 and int found;)
        {
            var lexer = new PdfLexer(_data, at + found + 7, references: true);
            if (lexer.TryRead(out object? value) && value is PdfDictionary trailer)
            {
                _trailers.Add(trailer);
            }

            at = lexer.Position;
        }
    }

    private void AddObjectsOf(int offset)
    {
        if (ReadObject(_data, offset, out _) is not PdfStream stream || Number(stream.Dictionary["First"]) is not { } first)
        {
            return;
        }

        byte[] bytes = Unpack(stream);
        var lexer = new PdfLexer(bytes, 0, references: false);
        while (lexer.Position < first && lexer.TryRead(out object? number) && lexer.TryRead(out object? place) && number is double n and >= 0 and < int.MaxValue && place is double p and >= 0)
        {
            if (first + p < bytes.Length)
            {
                Add((int)n, new Place(bytes, (int)(first + p), offset));
            }
        }
    }

    private object? ReadObject(byte[] data, int offset, out int end)
    {
        var lexer = new PdfLexer(data, offset, references: true);
        lexer.TryRead(out object? value);
        end = lexer.Position;
        _parsed += end - offset;
        if (_parsed > MostParsed)
        {
            throw new UnreadableDocumentException("a PDF file that takes unreasonably long to read");
        }

        if (value is not PdfDictionary dictionary || !lexer.TryRead(out object? next) || next is not PdfKeyword { Text: "stream" })
        {
            return value;
        }

        int start = lexer.Position;
        start += start < data.Length && data[start] == '\r' ? 1 : 0;
        start += start < data.Length && data[start] == '\n' ? 1 : 0;
        int length = StreamLength(data, start, dictionary["Length"] as double?);
        end = start + length;
        return new PdfStream(dictionary, data.AsMemory(start, length));
    }

    /// <summary>The length given where "endstream" follows it, else up to the next "endstream".</summary>
    private static int StreamLength(byte[] data, int start, double? given)
    {
        if (given is >= 0 && given <= data.Length - start)
        {
            int length = (int)given;
            ReadOnlySpan<byte> after = data.AsSpan(start + length);
            if (after[..Math.Min(after.Length, 16)].IndexOf("endstream"u8) >= 0)
            {
                return length;
            }
        }

        int found = data.AsSpan(start).IndexOf("endstream"u8);
        return found >= 0 ? found : data.Length - start;
    }

    /// <summary>Where an object stands: its bytes, and the order in which definitions replace each other.</summary>
    private readonly record struct Place(byte[] Data, int Offset, int Order);
}
