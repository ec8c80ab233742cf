namespace Kvasir.Training.Optimization;

/// <summary>Rises linearly over the first steps, then falls along half a cosine to a tenth (Loshchilov and Hutter 2017).</summary>
/// <param name="Highest">Where the rise ends.</param>
/// <param name="WarmUp">Steps of the rise.</param>
/// <param name="Steps">All steps.</param>
internal readonly record struct LearningRate(float Highest, int WarmUp, int Steps)
{
    private const double Last = 0.1;

    /// <summary>The rate of a step, from 1.</summary>
    public float At(int step)
    {
        if (step <= WarmUp) return Highest * step / WarmUp;
        double share = Math.Min(1, (double)(step - WarmUp) / Math.Max(1, Steps - WarmUp));
        return (float)(Highest * (Last + (1 - Last) / 2 * (1 + Math.Cos(Math.PI * share))));
    }
}
