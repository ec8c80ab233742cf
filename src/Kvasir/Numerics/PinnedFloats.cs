namespace Kvasir.Numerics;

/// <summary>Numbers that kernels read, in an array that does not move.</summary>
internal sealed unsafe class PinnedFloats
{
    private readonly float[] _values;

    public PinnedFloats(ReadOnlySpan<float> values)
    {
        _values = GC.AllocateUninitializedArray<float>(values.Length, pinned: true);
        values.CopyTo(_values);
        Pointer = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_values));
    }

    public float* Pointer { get; }
}
