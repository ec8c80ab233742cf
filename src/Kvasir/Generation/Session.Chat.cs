using Kvasir.Cache;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Generation;

/// <content>Conversations: messages, the model's chat template, saving with the cache.</content>
public sealed partial class Session
{
    private const int LongestQuestion = 256;

    private readonly List<ChatMessage> _messages = [];

    /// <summary>The conversation so far; a system message or examples may be put in before the first turn.</summary>
    public IList<ChatMessage> Messages => _messages;

    /// <summary>
    /// Says something and streams the reply; both become part of <see cref="Messages"/>. Earlier turns come from the cache.
    /// </summary>
    /// <param name="message">What the user says.</param>
    /// <param name="options">When to end and how to choose tokens.</param>
    /// <param name="cancellation">Ends the reply after the running step; what was said so far stays.</param>
    /// <exception cref="InvalidInputException">The model has no chat template, or the conversation is longer than its context; the message
    /// is then not kept.</exception>
    public IEnumerable<string> Chat(string message, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        List<ChatMessage> turn = [.. _messages, new ChatMessage("user", message)];
        int[] prompt = EncodeChat(_tokenizer, _template, turn, Embeddings);
        if (_cache.Policy.Eviction is { OnlyImages: false }) _cache.Protected = ProtectedOf(turn, prompt);
        IEnumerable<string> reply = Stream(prompt, options, cancellation);
        return Remember(turn, reply);
    }

    /// <summary>As <see cref="Chat"/>, computing on a thread of the pool.</summary>
    /// <inheritdoc cref="Chat"/>
    public IAsyncEnumerable<string> ChatAsync(
        string message, GenerationOptions? options = null, CancellationToken cancellation = default) =>
        OnThreadPool(stop => Chat(message, options, stop), cancellation);

    /// <summary>
    /// Saves the conversation, its messages and its cache, in one file: written under a temporary name, flushed, renamed, so that there is
    /// always the old conversation or the new one. The session goes on as if it had not been saved. Of a steered conversation the messages
    /// are saved, and the cache as far as steering makes no difference; the rest is computed again.
    /// </summary>
    public void Save(string path)
    {
        if (_ids.Count == 0) throw new InvalidInputException("there is nothing to save yet; say something first");
        int kept = Math.Min(_ids.Count, _cache.Steering?.UnsteeredTokens ?? int.MaxValue);
        _cache.SaveCopy(path, CollectionsMarshal.AsSpan(_ids)[..kept],
            new SavedConversation(_messages, Shown()).ToJson());
    }

    /// <summary>What markers in the messages stand for.</summary>
    private Dictionary<string, int[]> Shown() => (Embeddings?.Named ?? new Dictionary<string, int[]>())
        .Where(named => _messages.Exists(message => message.Content.Contains(named.Key, StringComparison.Ordinal))).ToDictionary();

    /// <summary>A conversation saved with <see cref="Save"/>; its cache is mapped, nothing is computed again.</summary>
    /// <param name="model">The model it was held with.</param>
    /// <param name="path">The file.</param>
    /// <param name="policy">How keys and values are kept; as in the file by default. A file that is kept otherwise is encoded anew in
    /// memory.</param>
    /// <param name="pool">Where new blocks come from; a pool without budget by default.</param>
    /// <param name="prompts">Where long prompts are kept for later sessions; nowhere by default.</param>
    /// <exception cref="InvalidInputException">The file is missing, damaged, holds no conversation, or belongs to another
    /// model.</exception>
    public static Session Load(Model model, string path, KvPolicy? policy = null, BlockPool? pool = null, PromptStore? prompts = null) =>
        Load(model, (model ?? throw new ArgumentNullException(nameof(model))).Tokenizer, model.ChatTemplate, path, policy, pool
            ?? model.DefaultPool, prompts);

    internal static Session Load(
        IForwardEngine engine, Tokenizer tokenizer, ChatTemplate? template, string path, KvPolicy? policy, BlockPool pool,
        PromptStore? prompts = null)
    {
        using KvFile file = KvFile.Open(path, engine.CacheLayout, verify: true);
        SavedConversation saved = SavedConversation.Read(path, file.Attachment);
        var session = new Session(engine, tokenizer, template, new KvCache(engine.CacheLayout, policy ?? file.Policy, pool), prompts);
        try
        {
            if (policy is null) session._cache.Place(file);
            else session._cache.PlaceConverted(file);
            session._messages.AddRange(saved.Messages);
            session.TakeNamed(saved.Named, engine);
            session._ids.AddRange(file.Ids);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The ids of a conversation's prompt, with one begin-of-text token where the model's file asks for it.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">Its template.</param>
    /// <param name="messages">The conversation.</param>
    /// <param name="embeddings">Pictures whose markers stand in the messages; not together with what follows.</param>
    /// <param name="variables">Other variables of the template, such as <c>tools</c>.</param>
    /// <param name="opening">What the reply begins with.</param>
    internal static int[] EncodeChat(Tokenizer tokenizer, ChatTemplate? template, IReadOnlyList<ChatMessage> messages,
        InputEmbeddings? embeddings = null, IReadOnlyDictionary<string, object?>? variables = null, string opening = "")
    {
        if (template is null)
            throw new InvalidInputException("this model has no chat template; use a model tuned for chat, or complete a text instead");
        int[] ids = variables is null && opening.Length == 0 ? ChatParts.Encode(tokenizer, template, messages, embeddings)
            : tokenizer.Encode(ChatParts.Render(template, messages, variables) + opening);
        bool missing = tokenizer.AddsBeginOfText && tokenizer.BeginOfText >= 0 && (ids.Length == 0 || ids[0] != tokenizer.BeginOfText);
        return missing ? [tokenizer.BeginOfText, .. ids] : ids;
    }

    /// <summary>
    /// What no policy may evict of a conversation's prompt: the system prompt, and the last message; of one that is long (a pasted
    /// document), its beginning and end. Found by
    /// where the prompt differs when a message does.
    /// </summary>
    private Range[] ProtectedOf(List<ChatMessage> turn, int[] prompt)
    {
        int first = turn[0].Role == "system" && turn.Count > 1 ? 1 : 0, question = BeginOf(turn.Count - 1);
        Range system = ..BeginOf(first);
        return prompt.Length - question <= LongestQuestion ? [system, question..]
            : [system, question..(question + LongestQuestion / 2), ^(LongestQuestion / 2)..];

        int BeginOf(int message)
        {
            ChatMessage[] other = [.. turn];
            other[message] = other[message] with { Content = other[message].Content.StartsWith('a') ? "b" : "a" };
            return prompt.AsSpan().CommonPrefixLength(EncodeChat(_tokenizer, _template, other, Embeddings));
        }
    }

    private IEnumerable<string> Remember(List<ChatMessage> turn, IEnumerable<string> reply)
    {
        bool started = false;
        try
        {
            foreach (string piece in reply)
            {
                started = true;
                yield return piece;
            }

            started |= LastResult!.FinishReason != FinishReason.Cancelled;
        }
        finally
        {
            if (started)
            {
                _messages.Clear();
                _messages.AddRange(turn);
                _messages.Add(new ChatMessage("assistant", LastResult!.Text));
            }
        }
    }

    /// <summary>A loaded conversation's markers stand for the ids that its cache holds; their rows are not needed for that.</summary>
    private void TakeNamed(IReadOnlyDictionary<string, int[]> named, IForwardEngine engine)
    {
        if (named.Count == 0 || engine is not Model model) return;
        Embeddings = new InputEmbeddings(model.Config.Width);
        foreach ((string marker, int[] ids) in named) Embeddings.Name(marker, ids);
    }
}
