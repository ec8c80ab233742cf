using Kvasir.Memory;

namespace Kvasir.Tests.Memory;

public sealed class NativeBufferTests
{
    [Theory]
    [InlineData(0, false, 64)]
    [InlineData(1000, true, 64)]
    [InlineData((2 << 20) - 1, true, 64)]
    [InlineData(2 << 20, true, 2 << 20)]
    [InlineData((5 << 20) + 77, true, 2 << 20)]
    [InlineData((5 << 20) + 77, false, 64)]
    public void Memory_is_aligned_zeroed_and_its_own(int length, bool hugePages, int alignment)
    {
        for (int round = 0; round < 3; round++)
        {
            using NativeBuffer first = new(length, hugePages), second = new(length, hugePages);
            Assert.Equal(0, Address(first) % alignment);
            Assert.True(Math.Abs(Address(first) - Address(second)) >= length);
            Assert.False(first.Span<byte>(0, length).ContainsAnyExcept((byte)0));
            first.Span<byte>(0, length).Fill(0xA5);
            second.Span<byte>(0, length).Fill(0x5A);
            Assert.False(first.Span<byte>(0, length).ContainsAnyExcept((byte)0xA5));
        }

        static unsafe nint Address(NativeBuffer buffer) => (nint)buffer.Pointer;
    }

    [Theory]
    [InlineData(100)]
    [InlineData(3 << 20)]
    public void Freed_memory_cannot_be_reached_and_may_be_freed_again(int length)
    {
        var buffer = new NativeBuffer(length);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Span<byte>(0, 1)[0]);
    }

    [Fact]
    public void More_than_the_system_has_is_refused() => Assert.ThrowsAny<OutOfMemoryException>(() => new NativeBuffer(1L << 60));
}
