namespace Kvasir.Generation;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended its turn, or a stop string appeared.</summary>
    Stop,

    /// <summary>The wanted number of tokens was reached.</summary>
    Length,

    /// <summary>The model's context is full.</summary>
    Context,

    /// <summary>The text had begun to repeat itself, where that was asked for.</summary>
    Repetition,

    /// <summary>The caller cancelled.</summary>
    Cancelled,
}
