using System.Numerics;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>A piece of a line of text on a page.</summary>
/// <param name="Number">Its place in the order that they are drawn in.</param>
/// <param name="Text">The text.</param>
/// <param name="Start">Where its baseline begins.</param>
/// <param name="Along">The direction of its baseline, of length 1.</param>
/// <param name="Width">How far it goes along the baseline.</param>
/// <param name="Size">Its font size on the page.</param>
internal sealed record PdfLine(int Number, string Text, Vector2 Start, Vector2 Along, float Width, float Size)
{
    /// <summary>In units of the font size: a larger gap in a line is one between cells of a table.</summary>
    private const float CellGap = 2;

    /// <summary>Whether it is a cell of a table or form, or put together from cells.</summary>
    public bool IsCell { get; init; }

    public bool IsOfSize(PdfLine other) => Math.Abs(Size - other.Size) < 0.1f * Size;

    /// <summary>How far below this line another stands; negative above it.</summary>
    public float DistanceTo(PdfLine other)
    {
        Vector2 step = other.Start - Start;
        return -(Along.X * step.Y - Along.Y * step.X);
    }

    /// <summary>Whether another goes on behind this one on the same baseline.</summary>
    public bool GoesOnIn(PdfLine other) =>
        Vector2.Dot(other.Start - Start, Along) >= Width && Vector2.Dot(Along, other.Along) > 0.9f
        && Math.Abs(DistanceTo(other)) < 0.5f * Math.Max(Size, other.Size);

    /// <summary>Both as one.</summary>
    public PdfLine With(PdfLine other)
    {
        float to = Vector2.Dot(other.Start - Start, Along);
        bool isCell = IsCell || other.IsCell || to - Width > CellGap * Size;
        return this with { Text = $"{Text} {other.Text}", Width = to + other.Width, Size = Math.Max(Size, other.Size), IsCell = isCell };
    }
}
