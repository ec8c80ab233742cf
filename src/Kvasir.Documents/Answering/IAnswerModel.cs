using Kvasir.Cache;
using Kvasir.Documents.Chunking;
using Kvasir.Generation;

namespace Kvasir.Documents.Answering;

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

    /// <summary>Whether it is too small to tell the passage with the answer from lookalikes beside it.</summary>
    bool IsSmall => false;

    /// <summary>How many sentences are said again before a question unless it is told otherwise.</summary>
    int UsualQuotes => 0;

    /// <summary>What stands before the chunks and behind the question.</summary>
    PromptFrame Frame { get; }

    /// <summary>
    /// The ids of a text by itself, without BOS; special tokens are recognised only where <paramref name="parseSpecial"/>.
    /// </summary>
    int[] Encode(string text, bool parseSpecial);

    /// <summary>Whether pictures can be shown to it.</summary>
    bool ReadsPictures => false;

    /// <summary>The ids of a stored chunk as it stands in the prompt; of a picture they are known without looking at it.</summary>
    int[] EncodeChunk(string text) => Encode(Chunker.PromptText(text), parseSpecial: false);

    /// <summary>Tells where a picture is, by the SHA-256 of its file.</summary>
    void KnowPicture(byte[] hash, string path)
    {
    }

    /// <summary>Whether a saved cache is of these ids; of a picture another encoder makes others.</summary>
    bool Holds(string path, int[] ids) => true;

    /// <summary>The tokens of parts of a text, which are told by characters.</summary>
    IEnumerable<TokenSpan> Spans(int[] ids, Func<string, IEnumerable<(int First, int End)>> parts) => [];

    /// <summary>The ids of the frame's prefix, which begin with BOS where the model asks for one.</summary>
    int[] EncodePrefix();

    KvCache NewCache();

    /// <summary>A cache that keeps everything in float32, whatever the policy is.</summary>
    KvCache NewExactCache();

    /// <summary>Computes tokens behind what a cache holds.</summary>
    void Prefill(KvCache cache, ReadOnlySpan<int> ids, CancellationToken cancellation);

    /// <summary>
    /// Places a saved cache behind what is here, its tokens seeming to stand here, or where they were computed if not
    /// <paramref name="rerotate"/>; bytes of its keys and values.
    /// </summary>
    /// <exception cref="InvalidDataException">Missing, damaged or of another model.</exception>
    /// <exception cref="InvalidInputException">Sound, but this model cannot place it here.</exception>
    long Place(KvCache cache, string path, bool rerotate = true);

    /// <summary>As <see cref="Place"/>, after checking all of it, with its keys and values encoded anew as the cache keeps them.</summary>
    /// <inheritdoc cref="Place"/>
    long PlaceConverted(KvCache cache, string path);

    /// <summary>Computes the tokens at ascending positions anew where they stand.</summary>
    void Repair(KvCache cache, int[] positions, int[] ids, CancellationToken cancellation);

    /// <summary>
    /// Computes those <paramref name="count"/> tokens from <paramref name="first"/> on anew that deviate most from what they are in this
    /// context; how many it did.
    /// </summary>
    int RepairMostDeviating(KvCache cache, int[] ids, int first, int count, CancellationToken cancellation);

    /// <summary>
    /// A cache of the tokens from <paramref name="first"/> on alone, kept as <see cref="Policy"/> says: that share of them, in each head by
    /// itself, which the model attends to most when it reads <paramref name="probe"/> behind them.
    /// </summary>
    KvCache Prune(KvCache cache, int first, int[] probe, double share, CancellationToken cancellation);

    /// <summary>Saves the tokens of a sealed cache from <paramref name="firstToken"/> on.</summary>
    /// <param name="cache">The cache.</param>
    /// <param name="path">The file.</param>
    /// <param name="ids">The ids of the tokens saved.</param>
    /// <param name="firstToken">The first of them.</param>
    /// <param name="beforeWriting">Told the bytes of the file to come; what it throws prevents it.</param>
    void Save(KvCache cache, string path, ReadOnlySpan<int> ids, int firstToken, Action<long>? beforeWriting = null);

    /// <summary>Answers that are generated together, at most <paramref name="parallel"/> at once.</summary>
    IAnswerBatch NewBatch(GenerationOptions options, int parallel);

    /// <summary>Starts an answer on an engine loop of this model, whose turn and budget it keeps to.</summary>
    /// <exception cref="InvalidInputException">It does not fit the model's context.</exception>
    GenerationStream Start(EngineLoop engine, AnswerContext context, GenerationOptions options, CancellationToken cancellation);

    /// <summary>
    /// Has a saved cache's pages read while something else is done; a hint, which does nothing where there is no such file.
    /// </summary>
    void ReadAhead(string path);

    /// <summary>
    /// Whether KV kept under a policy may be converted to <see cref="Policy"/>: it has lost nothing that a cache made here would still
    /// have.
    /// </summary>
    bool CanConvert(string policy);

    /// <summary>
    /// Writes a saved cache anew as <see cref="Policy"/> says, checked and then renamed into place; the number of its tokens.
    /// </summary>
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
