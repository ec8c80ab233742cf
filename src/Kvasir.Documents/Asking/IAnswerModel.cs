using Kvasir.Cache;

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

    /// <summary>Whether KV kept under a policy may be converted to <see cref="Policy"/>: it has lost nothing that a cache made here would still have.</summary>
    bool CanConvert(string policy);

    /// <summary>Writes a saved cache anew as <see cref="Policy"/> says, checked and then renamed into place; the number of its tokens.</summary>
    /// <param name="source">The saved cache.</param>
    /// <param name="destination">The file to write.</param>
    /// <param name="beforeWriting">Told the bytes of the file to come; what it throws prevents it.</param>
    /// <exception cref="InvalidDataException">The source is missing, damaged or of another model.</exception>
    int Convert(string source, string destination, Action<long>? beforeWriting = null);

    /// <summary>Bytes that a saved cache of so many tokens takes, but for its header.</summary>
    long SavedBytes(int firstToken, int tokens);

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

    /// <summary>Places the tokens of another cache from <paramref name="firstToken"/> on, a border made by <see cref="Seal"/>, as if they had been saved.</summary>
    /// <exception cref="InvalidInputException">This model cannot place them here.</exception>
    void Place(IAnswerCache source, int firstToken);

    /// <summary>As <see cref="Place(string)"/>, after checking all of it, with its keys and values encoded anew as this cache keeps them.</summary>
    /// <inheritdoc cref="Place(string)"/>
    long PlaceConverted(string path);

    /// <summary>Forgets everything.</summary>
    void Clear();

    /// <param name="path">The file.</param>
    /// <param name="ids">The ids of the tokens saved.</param>
    /// <param name="firstToken">The first of them.</param>
    /// <param name="beforeWriting">Told the bytes of the file to come; what it throws prevents it.</param>
    void Save(string path, ReadOnlySpan<int> ids, int firstToken, Action<long>? beforeWriting = null);

    /// <summary>Continues what is here, the tokens <paramref name="before"/>, with <paramref name="ids"/> and generates.</summary>
    /// <exception cref="DamagedKvException">Before the first piece: a placed file is damaged.</exception>
    IEnumerable<GeneratedPiece> Generate(IReadOnlyList<int> before, ReadOnlyMemory<int> ids, AskOptions options, CancellationToken cancellation);
}

/// <summary>What documents need of an embedding model.</summary>
internal interface ITextEncoder
{
    string Identity { get; }

    /// <summary>The embedding of a text.</summary>
    float[] Embed(string text);
}
