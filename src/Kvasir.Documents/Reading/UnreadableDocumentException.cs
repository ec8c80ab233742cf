namespace Kvasir.Documents.Reading;

/// <summary>
/// A file that is no usable document; the message is the reason alone, for the caller to report as skipped or as bad input.
/// </summary>
internal sealed class UnreadableDocumentException(string reason) : Exception(reason);
