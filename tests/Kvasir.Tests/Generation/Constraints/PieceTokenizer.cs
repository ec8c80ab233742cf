using Kvasir.Tokenization;

namespace Kvasir.Tests.Generation.Constraints;

/// <summary>The bytes, an end, and some pieces of several bytes such as vocabularies have.</summary>
internal sealed class PieceTokenizer : Tokenizer
{
    public const int End = 256;
    private readonly List<byte[]> _tokens = [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }), []];

    public PieceTokenizer(params string[] pieces) => _tokens.AddRange(pieces.Select(Encoding.UTF8.GetBytes));

    public override int VocabularySize => _tokens.Count;

    public override int BeginOfText => -1;

    public override int EndOfText => End;

    public override bool AddsBeginOfText => false;

    public override string Identity => "pieces";

    public override int[] Encode(ReadOnlySpan<char> text, bool parseSpecial = true, bool addSpecial = false) =>
        [.. Encoding.UTF8.GetBytes(text.ToString()).Select(value => (int)value)];

    public override ReadOnlySpan<byte> Bytes(int id) => _tokens[id];

    public override bool IsSpecial(int id) => id == End;

    public override bool IsEndOfGeneration(int id) => id == End;

    public override int Find(string token) => -1;

    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false) =>
        Encoding.UTF8.GetString([.. ids.ToArray().SelectMany(id => _tokens[id])]);
}
