using Kvasir.Tokenization;

namespace Kvasir.Vision.Tests;

/// <summary>Every ASCII character is a token.</summary>
internal sealed class LetterTokenizer : Tokenizer
{
    private static readonly byte[] s_bytes = [.. Enumerable.Range(0, 128).Select(value => (byte)value)];

    public override int VocabularySize => s_bytes.Length;

    public override int BeginOfText => 1;

    public override int EndOfText => 2;

    public override bool AddsBeginOfText => true;

    public override string Identity => "letters";

    public override int[] Encode(ReadOnlySpan<char> text, bool parseSpecial = true, bool addSpecial = false)
    {
        int[] ids = [.. text.ToArray().Select(letter => (int)letter)];
        return addSpecial ? [BeginOfText, .. ids] : ids;
    }

    public override ReadOnlySpan<byte> Bytes(int id) => s_bytes.AsSpan(id, 1);

    public override bool IsSpecial(int id) => id < 3;

    public override bool IsEndOfGeneration(int id) => id == EndOfText;

    public override int Find(string token) => -1;

    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false) =>
        string.Concat(ids.ToArray().Select(id => (char)id));
}
