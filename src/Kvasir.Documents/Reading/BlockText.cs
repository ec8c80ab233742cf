namespace Kvasir.Documents.Reading;

/// <summary>A block of a document's text.</summary>
internal enum BlockKind
{
    Paragraph,
    ListItem,
}

/// <summary>Text put together from blocks: a blank line between paragraphs, items of a list on lines below each other.</summary>
internal sealed class BlockText
{
    private readonly StringBuilder _text = new();
    private BlockKind _last = BlockKind.Paragraph;

    public void Add(BlockKind kind, string text)
    {
        if (_text.Length > 0) _text.Append('\n', kind != BlockKind.Paragraph && kind == _last ? 1 : 2);
        _text.Append(text);
        _last = kind;
    }

    /// <summary>The next item begins a list of its own.</summary>
    public void EndGroup() => _last = BlockKind.Paragraph;

    public override string ToString() => _text.ToString();
}
