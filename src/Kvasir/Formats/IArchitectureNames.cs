namespace Kvasir.Formats;

/// <summary>What reading a model's files asks of the architectures that can be run.</summary>
internal interface IArchitectureNames
{
    /// <summary>Their names and settings in Hugging Face's files.</summary>
    IReadOnlyList<HfArchitecture> HuggingFace { get; }

    /// <summary>Whether its GGUF files have the rows of query and key permuted so that neighbouring channels turn together.</summary>
    bool Interleaves(string ggufName);
}
