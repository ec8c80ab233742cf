using System.Collections.Frozen;
using System.Numerics;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Filters;
using UglyToad.PdfPig.Geometry;
using UglyToad.PdfPig.Graphics;
using UglyToad.PdfPig.Graphics.Operations;
using UglyToad.PdfPig.Parser;
using UglyToad.PdfPig.PdfFonts;
using UglyToad.PdfPig.Tokenization.Scanner;
using UglyToad.PdfPig.Tokens;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>Follows the operators of a page's content as far as text goes, and gives each character shown to the page's text.</summary>
internal sealed class PdfContent(
    int pageNumber, IResourceStore store, IPdfTokenScanner scanner, IPageContentParser parser, ILookupFilterProvider filters,
        CropBox cropBox,
    UserSpaceUnit unit, PageRotationDegrees rotation, TransformationMatrix initial, ParsingOptions options, PdfResources resources,
        PdfLayers layers)
    : BaseStreamProcessor<PdfPageText>(pageNumber, store, scanner, parser, filters, cropBox, unit, rotation, initial, options)
{
    private const int DeepestForm = 10;

    /// <summary>Operators that have to do with text; paths, colours and pictures cost nothing.</summary>
    private static readonly FrozenSet<string> s_text =
        "q Q cm BT ET Tc Tw Tz TL Tf Tr Ts Td TD Tm T* Tj TJ ' \" Do gs BMC BDC EMC".Split(' ').ToFrozenSet();

    private readonly PdfPageText _page = new();
    private readonly Stack<(bool Hidden, string? Text)> _marked = new();
    private readonly HashSet<IndirectReference> _drawing = [];
    private bool _hidden;

    /// <summary>Text that stands for the characters shown, until the mark that gives it ends; empty behind the first of them.</summary>
    private string? _actualText;

    /// <summary>The part of the page that is shown; one without an area shows all.</summary>
    public PdfRectangle Shown { get; init; }

    public override PdfPageText Process(int pageNumberCurrent, IReadOnlyList<IGraphicsStateOperation> operations)
    {
        ProcessOperations(operations);
        return _page;
    }

    protected override void ProcessOperations(IReadOnlyList<IGraphicsStateOperation> operations)
    {
        foreach (IGraphicsStateOperation operation in operations)
        {
            if (s_text.Contains(operation.Operator))
            {
                operation.Run(this);
            }
        }
    }

    public override void RenderGlyph(
        IFont font, CurrentGraphicsState currentState, double fontSize, double pointSize, int code, string unicode, long currentOffset,
        in TransformationMatrix renderingMatrix, in TransformationMatrix textMatrix, in TransformationMatrix transformationMatrix,
        CharacterBoundingBox characterBoundingBox)
    {
        if (_hidden) return;

        // A character that the font does not tell comes as its code.
        bool untold = IsNothing(unicode) || (unicode.Length == 1 && unicode[0] == (char)code && !font.TryGetUnicode(code, out _));
        string? text = _actualText ?? (untold ? null : unicode);
        _actualText = _actualText is null ? null : "";
        CurrentFontState state = currentState.FontState;
        double scale = state.HorizontalScaling / 100, rise = state.Rise;
        double space = state.CharacterSpacing + (code == ' ' && unicode == " " ? state.WordSpacing : 0);
        double advance = ((characterBoundingBox.Width * fontSize) + space) * scale;
        Vector2 from = Place(0, rise, textMatrix, transformationMatrix);
        Vector2 to = Place(font.IsVertical ? 0 : advance, font.IsVertical ? rise - fontSize : rise, textMatrix, transformationMatrix);
        Vector2 along = font.IsVertical ? to - from : Place(1, rise, textMatrix, transformationMatrix) - from;
        float size = (float)Math.Abs(fontSize) * (Place(0, rise + 1, textMatrix, transformationMatrix) - from).Length();
        float length = along.Length();
        if (float.IsFinite(length) && length > 0 && float.IsFinite(from.X + from.Y + to.X + to.Y) && float.IsFinite(size)
            && (IsShown(from, size) || IsShown(to, size)))
            _page.Add(text, from, to, along / length, size);
    }

    private bool IsShown(Vector2 place, float size) => Shown.Area == 0
        || (place.X > Shown.Left - size && place.X < Shown.Right + size && place.Y > Shown.Bottom - size && place.Y < Shown.Top + size);

    public override void ApplyXObject(NameToken xObjectName)
    {
        // Pictures and what is not there have no text.
        if (ResourceStore.TryGetXObject(xObjectName, out StreamToken? form)
            && form.StreamDictionary.TryGet(NameToken.Subtype, PdfScanner, out NameToken? kind) && kind.Equals(NameToken.Form))
        {
            ProcessFormXObject(form, xObjectName);
        }
    }

    protected override void ProcessFormXObject(StreamToken formStream, NameToken xObjectName)
    {
        ResourceStore.TryGetXObjectReference(xObjectName, out IndirectReference reference);
        if (_drawing.Count >= DeepestForm || _hidden || layers.Hides(formStream.StreamDictionary) || !_drawing.Add(reference)) return;
        bool hasOwn = formStream.StreamDictionary.TryGet(NameToken.Resources, PdfScanner, out DictionaryToken? own);
        int saved = StackSize;
        PushState();
        if (hasOwn) ResourceStore.LoadResourceDictionary(resources.OfText(own!));
        if (formStream.StreamDictionary.TryGet(NameToken.Matrix, PdfScanner, out ArrayToken? matrix) && matrix.Length == 6)
        {
            double[] values = [.. matrix.Data.Select(value => (value as NumericToken)?.Double ?? 0)];
            ModifyCurrentTransformationMatrix(TransformationMatrix.FromArray(values));
        }

        ProcessOperations(GetFormOperations(formStream));
        _drawing.Remove(reference);
        if (hasOwn) ResourceStore.UnloadResourceDictionary();
        while (StackSize > saved) PopState();
    }

    public override void BeginMarkedContent(NameToken name, NameToken? propertyDictionaryName, DictionaryToken? properties)
    {
        _marked.Push((_hidden, _actualText));
        DictionaryToken? given = propertyDictionaryName is { } id ? ResourceStore.GetMarkedContentPropertiesDictionary(id) : properties;
        _hidden |= ReferenceEquals(given, PdfResources.Hidden);
        if (_actualText is null && given is not null
            && given.TryGet(NameToken.ActualText, PdfScanner, out IDataToken<string>? actual) && actual.Data.Length > 0)
        {
            _actualText = actual.Data;
        }
    }

    public override void EndMarkedContent()
    {
        if (_marked.TryPop(out (bool Hidden, string? Text) before))
        {
            _hidden = before.Hidden;
            _actualText = before.Text is null ? null : _actualText;
        }
    }

    private static Vector2 Place(double x, double y, in TransformationMatrix text, in TransformationMatrix page)
    {
        (double textX, double textY) = text.Transform(x, y);
        (double pageX, double pageY) = page.Transform(textX, textY);
        return new Vector2((float)pageX, (float)pageY);
    }

    /// <summary>Control characters, halves of pairs and private characters say nothing outside of the file.</summary>
    private static bool IsNothing(string text) =>
        text.Length == 0
            || (text.Length == 1
            && (text[0] is < ' ' and not '\t' or '\uFFFD' or (>= '\uE000' and < '\uF900') || char.IsSurrogate(text[0])));

    protected override void RenderXObjectImage(XObjectContentRecord xObjectContentRecord) { }
    protected override void RenderInlineImage(InlineImage inlineImage) { }
    protected override void ClipToRectangle(PdfRectangle rectangle, FillingRule clippingRule) { }
    public override void BeginSubpath() { }

    public override PdfPoint? CloseSubpath() => null;

    public override void StrokePath(bool close) { }
    public override void FillPath(FillingRule fillingRule, bool close) { }
    public override void FillStrokePath(FillingRule fillingRule, bool close) { }
    public override void MoveTo(double x, double y) { }
    public override void BezierCurveTo(double x2, double y2, double x3, double y3) { }
    public override void BezierCurveTo(double x1, double y1, double x2, double y2, double x3, double y3) { }
    public override void LineTo(double x, double y) { }
    public override void Rectangle(double x, double y, double width, double height) { }
    public override void EndPath() { }
    public override void ClosePath() { }
    public override void ModifyClippingIntersect(FillingRule clippingRule) { }
    public override void PaintShading(NameToken shadingName) { }
}
