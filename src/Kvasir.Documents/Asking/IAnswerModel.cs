namespace Kvasir.Documents.Asking;

/// <summary>What documents need of a language model.</summary>
internal interface IAnswerModel
{
    /// <summary>For people.</summary>
    string Name { get; }

    string Identity { get; }

    string TokenizerIdentity { get; }

    /// <summary>How caches keep keys and values.</summary>
    string Policy { get; }

    int ContextLength { get; }

    /// <summary>What stands before the chunks and behind the question.</summary>
    PromptFrame Frame { get; }

    /// <summary>The ids of a text by itself, without BOS; special tokens are recognised only where <paramref name="parseSpecial"/>.</summary>
    int[] Encode(string text, bool parseSpecial);

    /// <summary>The ids of the frame's prefix, which begin with BOS where the model asks for one.</summary>
    int[] EncodePrefix();

    IAnswerCache NewCache();

    /// <summary>Reads a saved cache whole and says what is wrong with it, or null.</summary>
    string? Check(string path);
}

/// <summary>The KV of one sequence, as documents use it.</summary>
internal interface IAnswerCache : IDisposable
{
    int Length { get; }

    IAnswerCache Fork();

    void Seal();

    void Prefill(ReadOnlySpan<int> ids, CancellationToken cancellation);

    /// <summary>Places a saved cache behind what is here; bytes of its keys and values.</summary>
    /// <exception cref="InvalidDataException">Missing, damaged or of another model.</exception>
    /// <exception cref="InvalidInputException">Sound, but this model cannot place it here.</exception>
    long Place(string path);

    void Save(string path, ReadOnlySpan<int> ids, int firstToken);

    /// <summary>Continues what is here, the tokens <paramref name="before"/>, with <paramref name="ids"/> and generates.</summary>
    IEnumerable<GeneratedPiece> Generate(IReadOnlyList<int> before, ReadOnlyMemory<int> ids, AskOptions options, CancellationToken cancellation);
}

/// <summary>What documents need of an embedding model.</summary>
internal interface ITextEncoder
{
    string Identity { get; }

    /// <summary>The embedding of a text.</summary>
    float[] Embed(string text);
}
