namespace Kvasir.Cache;

/// <summary>Sealed blocks in a mapped file: nothing is copied, a page is read when attention first touches it.</summary>
internal sealed unsafe class MappedSegment : KvSegment
{
    private readonly KvFile _file;
    private readonly byte* _data;
    private readonly int _keyBytes, _blockBytes;

    public MappedSegment(KvFile file, byte* data, KeyCodec keyCodec, ValueCodec valueCodec, LayerLayout layout, int firstPosition, int offset, int tokens)
        : this(file, data, keyCodec, valueCodec, keyCodec.Bytes(layout.KeyChannels), keyCodec.Bytes(layout.KeyChannels) + valueCodec.Bytes(layout.ValueChannels), firstPosition, offset, tokens)
    {
    }

    private MappedSegment(KvFile file, byte* data, KeyCodec keyCodec, ValueCodec valueCodec, int keyBytes, int blockBytes, int firstPosition, int offset, int tokens)
        : base(keyCodec, valueCodec, firstPosition, offset)
    {
        _file = file;
        file.Retain();
        _data = data;
        _keyBytes = keyBytes;
        _blockBytes = blockBytes;
        TokenCount = tokens;
    }

    public override long Bytes => (long)BlockCount * _blockBytes;

    public override byte* Keys(int block) => _data + (long)block * _blockBytes;

    public override byte* Values(int block) => _data + (long)block * _blockBytes + _keyBytes;

    public override KvSegment Share() => new MappedSegment(_file, _data, KeyCodec, ValueCodec, _keyBytes, _blockBytes, FirstPosition, Offset, TokenCount);

    public override void Truncate(int tokens) => TokenCount = tokens;

    public override void Dispose()
    {
        TokenCount = 0;
        _file.Release();
    }
}
