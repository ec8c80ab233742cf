namespace Kvasir.Cache;

/// <summary>What a tile of queries may see and how its scores are treated.</summary>
/// <param name="FirstPosition">Position of the tile's first token; the others follow it unless they are
/// <paramref name="Scattered"/>.</param>
/// <param name="Rows">Query rows: tokens times heads of the group, token by token.</param>
/// <param name="Group">Query heads of one kv head.</param>
/// <param name="Causal">Whether a token sees only positions up to its own.</param>
/// <param name="SoftCap">Scores become cap * tanh(score / cap); 0 for none.</param>
/// <param name="Scattered">Where the tokens stand if they do not follow each other.</param>
/// <param name="FirstScattered">Index of the tile's first token among these.</param>
internal readonly record struct QueryTile(
    int FirstPosition, int Rows, int Group, bool Causal, float SoftCap, RepairedPositions? Scattered = null, int FirstScattered = 0)
{
    /// <summary>By row of the slice the last position that it sees; null where that is its own.</summary>
    public int[]? LastSeen { get; init; }

    /// <summary>The slice's row of the tile's first token.</summary>
    public int FirstRow { get; init; }

    /// <summary>What is added to scores; null where none of the tile's heads is steered.</summary>
    public Steering? Steering { get; init; }

    /// <summary>Bit h tells whether head h of the group is steered.</summary>
    public ulong SteeredHeads { get; init; }

    /// <summary>The position of a query row's token.</summary>
    public int PositionOf(int row) => Scattered is null ? FirstPosition + row / Group : Scattered[FirstScattered + row / Group];

    /// <summary>The last position that a query row sees in a causal model: its own, or that of the end of its image.</summary>
    public int LastSeenBy(int row) => LastSeen?[FirstRow + row / Group] ?? PositionOf(row);

    /// <summary>Whether a query row's head is steered.</summary>
    public bool IsSteered(int row) => (SteeredHeads >> row % Group & 1) != 0;
}
