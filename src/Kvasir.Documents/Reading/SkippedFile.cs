namespace Kvasir.Documents.Reading;

/// <summary>A file that was not read, or not wholly.</summary>
/// <param name="Path">The file, or a folder that cannot be listed.</param>
/// <param name="Reason">Why, in a few words.</param>
public sealed record SkippedFile(string Path, string Reason);
