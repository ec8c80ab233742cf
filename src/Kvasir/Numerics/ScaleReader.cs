using Kvasir.Quantization;

namespace Kvasir.Numerics;

/// <summary>Reads a set of scales and minima that <see cref="GroupScales.Write"/> wrote.</summary>
internal readonly unsafe struct ScaleReader(byte* set, int groups, int scaleBits)
{
    /// <summary>Scales and minima of a vector of groups from <paramref name="k"/> on, which is a multiple of the vector's width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Read<TSimd, TVector>(int k, out TVector scale, out TVector minimum) where TSimd
        : struct, ISimd<TVector> where TVector : struct
    {
        if (scaleBits == 8)
        {
            byte* codes = RunOf(k, out int count, out float* header);
            scale = TSimd.Add(TSimd.Multiply(TSimd.LoadBytes(codes), TSimd.Broadcast(header[1])), TSimd.Broadcast(header[0]));
            minimum = TSimd.Add(TSimd.Multiply(TSimd.LoadBytes(codes + count), TSimd.Broadcast(header[3])), TSimd.Broadcast(header[2]));
        }
        else if (scaleBits == 16)
        {
            TVector factor = TSimd.Broadcast(HalfVectors.Factor(0));
            scale = TSimd.LoadHalf((ushort*)set + k, factor);
            minimum = TSimd.LoadHalf((ushort*)set + groups + k, factor);
        }
        else (scale, minimum) = (TSimd.Load((float*)set + k), TSimd.Load((float*)set + groups + k));
    }

    /// <summary>The same of one group.</summary>
    public (float Scale, float Minimum) Read(int k)
    {
        if (scaleBits == 16) return ((float)((Half*)set)[k], (float)((Half*)set)[groups + k]);
        if (scaleBits == 32) return (((float*)set)[k], ((float*)set)[groups + k]);
        byte* codes = RunOf(k, out int count, out float* header);
        return (codes[0] * header[1] + header[0], codes[count] * header[3] + header[2]);
    }

    /// <summary>Where the scale of group <paramref name="k"/> stands, how far from it the minimum, and the run's bases and steps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* RunOf(int k, out int count, out float* header)
    {
        int run = k / GroupScales.Run;
        count = Math.Min(GroupScales.Run, groups - run * GroupScales.Run);
        byte* start = set + run * (GroupScales.RunHeader + 2 * GroupScales.Run);
        header = (float*)start;
        return start + GroupScales.RunHeader + k % GroupScales.Run;
    }
}
