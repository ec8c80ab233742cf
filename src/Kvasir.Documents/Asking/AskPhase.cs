namespace Kvasir.Documents.Asking;

/// <summary>What is being done for an answer.</summary>
public enum AskPhase
{
    /// <summary>None of the others: choosing passages, tokenizing them, and what the caller does between two answers of a stream.</summary>
    Other,

    /// <summary>Finding passages: embedding the question, scoring chunks.</summary>
    Retrieval,

    /// <summary>Opening and placing stored keys and values.</summary>
    Loading,

    /// <summary>Computing parts of placed chunks anew, where that is asked for.</summary>
    Repair,

    /// <summary>Computing what is not stored, or, with <see cref="AskOptions.Recompute"/>, the whole prompt.</summary>
    Recompute,

    /// <summary>Computing the question behind the placed chunks.</summary>
    Question,

    /// <summary>Generating the answer after its first token.</summary>
    Decoding,
}
