namespace Kvasir.Cache;

/// <summary>Sealed blocks in a mapped file: nothing is copied, a page is read when attention first touches it.</summary>
internal sealed unsafe class MappedSegment : KvSegment
{
    private readonly KvFile _file;
    private readonly byte* _data;

    public MappedSegment(KvFile file, byte* data, BlockCodec codec, int firstPosition, int offset, int tokens, KeptTokens? kept = null)
        : base(codec, firstPosition, offset, kept)
    {
        _file = file;
        file.Retain();
        _data = data;
        SetTokens(tokens);
    }

    public override long Bytes => (long)BlockCount * Codec.Bytes;

    public override byte* Keys(int block) => _data + (long)block * Codec.Bytes;

    public override KvSegment Share() =>
        new MappedSegment(_file, _data, Codec, FirstPosition, Offset, TokenCount, Kept)
        {
            EndPosition = EndPosition,
            ComputedAt = ComputedAt
        };

    protected override void Truncate(int tokens) => SetTokens(tokens);

    public override void Dispose()
    {
        SetTokens(0);
        _file.Release();
    }
}
