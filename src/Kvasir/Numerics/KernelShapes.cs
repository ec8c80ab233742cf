namespace Kvasir.Numerics;

/// <summary>A number that the JIT sees as a constant: kernels are compiled once per tile width, group and kind of offset.</summary>
internal interface IConstant
{
    public static abstract int Value { get; }
}

internal readonly struct C1 : IConstant { public static int Value => 1; }

internal readonly struct C2 : IConstant { public static int Value => 2; }

internal readonly struct C3 : IConstant { public static int Value => 3; }

internal readonly struct C4 : IConstant { public static int Value => 4; }

internal readonly struct C5 : IConstant { public static int Value => 5; }

internal readonly struct C6 : IConstant { public static int Value => 6; }

internal readonly struct C8 : IConstant { public static int Value => 8; }

internal readonly struct C16 : IConstant { public static int Value => 16; }

/// <summary>What a <see cref="PackedFormat"/> leaves to fix at compile time: columns per scale, and zero point or minimum.</summary>
internal interface IForm
{
    public static abstract int Group { get; }

    public static abstract bool HasMinimum { get; }
}

internal readonly struct Zero32 : IForm { public static int Group => 32; public static bool HasMinimum => false; }

internal readonly struct Zero16 : IForm { public static int Group => 16; public static bool HasMinimum => false; }

internal readonly struct Minimum32 : IForm { public static int Group => 32; public static bool HasMinimum => true; }

internal readonly struct Minimum16 : IForm { public static int Group => 16; public static bool HasMinimum => true; }
