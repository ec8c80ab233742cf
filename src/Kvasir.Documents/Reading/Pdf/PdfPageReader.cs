using UglyToad.PdfPig;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Geometry;
using UglyToad.PdfPig.Graphics.Operations;
using UglyToad.PdfPig.Outline.Destinations;
using UglyToad.PdfPig.Parser;
using UglyToad.PdfPig.Parser.Parts;
using UglyToad.PdfPig.Tokenization.Scanner;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>Makes the text of a page: what its content draws, then the values of its form fields and its free text.</summary>
internal sealed class PdfPageReader(
    IPdfTokenScanner scanner, IResourceStore resources, ILookupFilterProvider filters, IPageContentParser parser, ParsingOptions options)
    : BasePageFactory<PdfPageText>(scanner, resources, filters, parser, options), IPageFactory<PdfPageText>
{
    private readonly PdfLayers _layers = new(scanner, ((PdfOptions)options).Catalog);
    private PdfResources? _resources;

    private PdfResources Resources => _resources ??= new(PdfScanner, FilterProvider, _layers);

    /// <summary>As the base does, with resources that text needs only, and with those parts of the content that are there.</summary>
    PdfPageText IPageFactory<PdfPageText>.Create(
        int number, DictionaryToken dictionary, PageTreeMembers inherited, NamedDestinations destinations)
    {
        for (int count = inherited.ParentResources.Count; count > 0; count--)
            inherited.ParentResources.Enqueue(Resources.OfText(inherited.ParentResources.Dequeue()));

        bool hasOwn = dictionary.TryGet(NameToken.Resources, PdfScanner, out DictionaryToken? own);
        DictionaryToken page = hasOwn ? dictionary.With(NameToken.Resources, Resources.OfText(own!)) : dictionary;
        if (page.TryGet(NameToken.Contents, PdfScanner, out ArrayToken? parts))
        {
            IToken[] there = [.. parts.Data.Where(part => DirectObjectFinder.TryGet(part, PdfScanner, out StreamToken? _))];
            page = page.With(NameToken.Contents, new ArrayToken(there));
        }

        return Create(number, page, inherited, destinations);
    }

    protected override PdfPageText ProcessPage(
        int pageNumber, DictionaryToken dictionary, NamedDestinations namedDestinations, MediaBox mediaBox, CropBox cropBox,
        UserSpaceUnit userSpaceUnit, PageRotationDegrees rotation, TransformationMatrix initialMatrix,
            IReadOnlyList<IGraphicsStateOperation> operations)
    {
        var content = new PdfContent(
            pageNumber, ResourceStore, PdfScanner, PageContentParser, FilterProvider, cropBox,
            userSpaceUnit, rotation, initialMatrix, ParsingOptions, Resources, _layers)
        {
            Shown = initialMatrix.Transform(mediaBox.Bounds.Intersect(cropBox.Bounds) ?? cropBox.Bounds).Normalise(),
        };
        PdfPageText text = content.Process(pageNumber, operations);
        if (dictionary.TryGet(NameToken.Annots, PdfScanner, out ArrayToken? annotations))
        {
            foreach (IToken annotation in annotations.Data)
            {
                if (DirectObjectFinder.TryGet(annotation, PdfScanner, out DictionaryToken? entries) && !_layers.Hides(entries)
                    && PdfForm.Text(entries, PdfScanner) is { Length: > 0 } value)
                {
                    text.AddField(value, initialMatrix.Transform(Frame(entries)).Normalise());
                }
            }
        }

        return text;
    }

    private PdfRectangle Frame(DictionaryToken annotation)
    {
        IEnumerable<IToken> corners = annotation.TryGet(NameToken.Rect, PdfScanner, out ArrayToken? rectangle) ? rectangle.Data : [];
        return corners.OfType<NumericToken>().Select(corner => corner.Double).ToArray() is [var left, var bottom, var right, var top]
            ? new PdfRectangle(left, bottom, right, top) : default;
    }
}
