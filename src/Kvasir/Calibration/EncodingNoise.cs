using System.Numerics.Tensors;
using Kvasir.Cache;
using Kvasir.Memory;

namespace Kvasir.Calibration;

/// <summary>How far a codec moves the keys and values of a head: squared errors over the blocks behind the sink.</summary>
internal static unsafe class EncodingNoise
{
    /// <summary>
    /// Sums of squared errors of the keys and of the values, where the head's blocks were kept by <paramref name="codec"/>.
    /// </summary>
    public static (double Keys, double Values) Of(HeadCache head, LayerLayout layout, HeadCodec codec)
    {
        int keyCount = KvBlock.Tokens * layout.KeyChannels, valueCount = KvBlock.Tokens * layout.ValueChannels;
        using var exact = new NativeBuffer(KvTail.BlockBytes(layout));
        using var moved = new NativeBuffer(KvTail.BlockBytes(layout));
        using var encoded = new NativeBuffer(codec.Rest.Bytes);
        float* keys = (float*)exact.Pointer, values = keys + keyCount, movedKeys = (float*)moved.Pointer, movedValues = movedKeys
            + keyCount;
        double keyError = 0, valueError = 0;
        foreach (KvSegment segment in head.Segments.Where(segment => segment.FirstPosition >= codec.SinkTokens))
            for (int b = 0; b < segment.BlockCount; b++)
            {
                KeyContext context = segment.Context(layout, b);
                segment.Codec.Decode(segment.Keys(b), keys, values, context);
                codec.Rest.Encode(keys, values, segment.CountIn(b), encoded.Pointer, context);
                codec.Rest.Decode(encoded.Pointer, movedKeys, movedValues, context);
                keyError += SquaredDistance(keys, movedKeys, keyCount);
                valueError += SquaredDistance(values, movedValues, valueCount);
            }
        return (keyError, valueError);
    }

    private static double SquaredDistance(float* x, float* y, int count)
    {
        double distance = TensorPrimitives.Distance(new ReadOnlySpan<float>(x, count), new ReadOnlySpan<float>(y, count));
        return distance * distance;
    }
}
