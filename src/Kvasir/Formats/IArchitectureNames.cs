namespace Kvasir.Formats;

/// <summary>What reading a model's files asks of the architectures that can be run.</summary>
internal interface IArchitectureNames
{
    /// <summary>Their names and settings in Hugging Face's files.</summary>
    IReadOnlyList<HfArchitecture> HuggingFace { get; }

    /// <summary>Whether GGUF files of this architecture have the rows of query and key matrices permuted so that neighbouring channels are rotated together.</summary>
    bool Interleaves(string ggufName);
}
