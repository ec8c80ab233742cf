namespace Kvasir.Documents.Asking;

/// <summary>What documents need of a language model.</summary>
internal interface IAnswerModel : IDisposable
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

    /// <summary>Answers that are generated together, at most <paramref name="parallel"/> at once.</summary>
    IAnswerBatch NewBatch(AskOptions options, int parallel);

    /// <summary>Has a saved cache's pages read while something else is done; a hint, which does nothing where there is no such file.</summary>
    void ReadAhead(string path);

    /// <summary>Whether KV kept under a policy may be converted to <see cref="Policy"/>: it has lost nothing that a cache made here would still have.</summary>
    bool CanConvert(string policy);

    /// <summary>Writes a saved cache anew as <see cref="Policy"/> says, checked and then renamed into place; the number of its tokens.</summary>
    /// <exception cref="InvalidDataException">The source is missing, damaged or of another model.</exception>
    int Convert(string source, string destination);

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

    /// <summary>As <see cref="Place"/>, after checking all of it, with its keys and values encoded anew as this cache keeps them.</summary>
    /// <inheritdoc cref="Place"/>
    long PlaceConverted(string path);

    /// <summary>Forgets everything.</summary>
    void Clear();

    void Save(string path, ReadOnlySpan<int> ids, int firstToken);
}

/// <summary>What documents need of an embedding model.</summary>
internal interface ITextEncoder
{
    string Identity { get; }

    /// <summary>The embedding of a text.</summary>
    float[] Embed(string text);
}
