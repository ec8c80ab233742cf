namespace Kvasir.Documents.Storage;

/// <summary>
/// Something that answers from a store may suffer from: it is damaged, may only be read, or its documents have changed since.
/// </summary>
/// <param name="Problem">What is wrong, in one line.</param>
/// <param name="Mend">The words of the command that mends it (<c>ingest</c> and a file, say); none where nothing needs to be done, or can
/// be.</param>
public sealed record StoreWarning(string Problem, IReadOnlyList<string> Mend);
