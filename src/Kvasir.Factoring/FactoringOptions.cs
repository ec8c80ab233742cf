using Kvasir.Cache;

namespace Kvasir.Factoring;

/// <summary>How factors are made.</summary>
internal sealed record FactoringOptions
{
    /// <summary>Ranks that every head keeps where ranks differ.</summary>
    public const int LeastRank = 4;

    /// <summary>How thin keys get.</summary>
    public required ThinKeys Thin { get; init; }

    /// <summary>The method; null for the best that fits the model.</summary>
    public FactoringMethod? Method { get; init; }

    /// <summary>Whether heads get the ranks that they need under one budget, instead of the same rank each.</summary>
    public bool PerHead { get; init; }
}

/// <summary>What factors are made from.</summary>
internal enum FactoringMethod
{
    /// <summary>Keys before their rotation, in the metric of the queries.</summary>
    PreRope,

    /// <summary>Scores in least squares, keys as attention multiplies them.</summary>
    KqSvd,

    /// <summary>The same with the mean key kept apart.</summary>
    KqSvdCentred,

    /// <summary>The weights alone.</summary>
    Svd,
}
