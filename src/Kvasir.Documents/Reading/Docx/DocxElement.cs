using System.Xml.Linq;

namespace Kvasir.Documents.Reading.Docx;

/// <summary>
/// Elements and attributes by their local names: the transitional and the strict form of Word files differ in namespaces alone.
/// </summary>
internal static class DocxElement
{
    public static IEnumerable<XElement> All(this XElement? element, string name) =>
        element?.Descendants().Where(below => below.Name.LocalName == name) ?? [];

    /// <summary>The first element of a name below another.</summary>
    public static XElement? First(this XElement? element, string name) => element.All(name).FirstOrDefault();

    /// <summary>An attribute of an element; null where either is missing.</summary>
    public static string? Value(this XElement? element, string name = "val") =>
        element?.Attributes().FirstOrDefault(attribute => attribute.Name.LocalName == name)?.Value;
}
