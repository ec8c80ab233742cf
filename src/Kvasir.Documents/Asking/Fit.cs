namespace Kvasir.Documents.Asking;

/// <summary>How well what was found fits a question.</summary>
internal enum Fit
{
    /// <summary>It has nothing to do with it.</summary>
    None,

    /// <summary>It may hold the answer: worth asking the model, with a word of doubt.</summary>
    Loose,

    /// <summary>It is about what the question is about.</summary>
    Firm,
}
