namespace Kvasir.Documents.Catalog;

/// <summary>What has become of a file since it was taken into the store.</summary>
public enum StoredFileState
{
    /// <summary>It is as it was read.</summary>
    Current,

    /// <summary>Its content is another, or cannot be read any more.</summary>
    Changed,

    /// <summary>It is not there any more.</summary>
    Gone,
}
