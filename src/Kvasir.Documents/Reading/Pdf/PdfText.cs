using System.Text;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>A PDF file as text, page after page. What it shows as pictures is not read.</summary>
internal static class PdfText
{
    private const int MostPages = 100_000;

    /// <exception cref="UnreadableDocumentException">Encrypted, without text, damaged, or made to exhaust memory.</exception>
    public static Document Parse(byte[] bytes, string name)
    {
        var file = new PdfFile(bytes);
        var content = new PdfContent(file);
        var text = new StringBuilder();
        int pages = 0;
        long unknown = 0;
        foreach ((PdfDictionary page, PdfDictionary? resources) in Pages(file))
        {
            pages++;
            PdfPageText shown = content.Run(Contents(file, page), resources);
            string pageText = shown.ToString();
            unknown += shown.Unknown;
            text.Append(text.Length > 0 && pageText.Length > 0 ? "\n\n" : "").Append(pageText);
            if (text.Length > DocumentReader.LongestFile)
            {
                throw new UnreadableDocumentException($"it unpacks to more than {DocumentReader.LongestFile >> 20} MiB");
            }
        }

        if (pages == 0)
        {
            throw new UnreadableDocumentException("a PDF file without pages; it is damaged");
        }

        if (unknown > text.Length)
        {
            throw new UnreadableDocumentException("its fonts do not say which characters they show");
        }

        return text.Length == 0
            ? throw new UnreadableDocumentException("no text in it (scanned pages?)")
            : new Document(null, Title(file) is { Length: > 0 } title ? title : name, WellFormed(text.ToString()));
    }

    /// <summary>The leaves of the page tree in order, with the resources they have or inherit; where the tree is damaged, all pages there are.</summary>
    private static IEnumerable<(PdfDictionary Page, PdfDictionary? Resources)> Pages(PdfFile file)
    {
        bool any = false;
        var pending = new Stack<(object? Node, object? Resources)>();
        var seen = new HashSet<int>();
        pending.Push((file.Catalog?["Pages"], null));
        while (pending.TryPop(out (object? Node, object? Resources) next))
        {
            if ((next.Node is PdfReference reference && !seen.Add(reference.Number)) || file.Dictionary(next.Node) is not { } node)
            {
                continue;
            }

            object? resources = node["Resources"] ?? next.Resources;
            if (node["Kids"] is null)
            {
                any = true;
                yield return (node, file.Dictionary(resources));
                continue;
            }

            List<object?> kids = file.Array(node["Kids"]);
            if (pending.Count + kids.Count > MostPages)
            {
                throw new UnreadableDocumentException("a PDF file of unreasonably many pages");
            }

            kids.Reverse();
            kids.ForEach(kid => pending.Push((kid, resources)));
        }

        foreach (PdfDictionary page in any ? [] : file.OfType("Page"))
        {
            yield return (page, file.Dictionary(page["Resources"]));
        }
    }

    /// <summary>The content streams of a page, as one: an operator may begin in one and end in the next.</summary>
    private static byte[] Contents(PdfFile file, PdfDictionary page)
    {
        object? contents = file.Resolve(page["Contents"]);
        var all = new MemoryStream();
        foreach (object? part in contents as List<object?> ?? [contents])
        {
            if (file.Resolve(part) is PdfStream stream)
            {
                all.Write(file.Unpack(stream));
                all.WriteByte((byte)'\n');
            }
        }

        return all.ToArray();
    }

    private static string Title(PdfFile file)
    {
        if (file.Resolve(file.Information?["Title"]) is not byte[] title)
        {
            return "";
        }

        string text = title.AsSpan().StartsWith(Encoding.BigEndianUnicode.Preamble) ? Encoding.BigEndianUnicode.GetString(title.AsSpan(2))
            : title.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.GetString(title.AsSpan(3))
            : Encoding.Latin1.GetString(title);
        return WellFormed(string.Concat(text.Where(c => !char.IsControl(c))).Trim());
    }

    /// <summary>Halves of surrogate pairs, which a font may give, are no text that can be stored.</summary>
    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
