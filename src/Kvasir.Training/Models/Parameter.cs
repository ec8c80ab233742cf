namespace Kvasir.Training.Models;

/// <summary>One weight tensor [rows, columns], or a vector [columns] with rows 0, and what training needs of it.</summary>
/// <param name="name">GGUF's name.</param>
/// <param name="rows">Rows, 0 for a vector.</param>
/// <param name="columns">Columns.</param>
internal sealed class Parameter(string name, int rows, int columns)
{
    private float[]? _gradient;

    public string Name { get; } = name;

    public int Rows { get; } = rows;

    public int Columns { get; } = columns;

    public bool IsVector => Rows == 0;

    public float[] Values { get; init; } = new float[Math.Max(rows, 1) * columns];

    /// <summary>Whether it changes: it has a gradient then. Set before training begins.</summary>
    public bool Trains
    {
        get => _gradient is not null;
        set => _gradient = value ? new float[Values.Length] : null;
    }

    public float[] Gradient => _gradient ?? throw new InvalidOperationException($"{Name} does not train");
}
