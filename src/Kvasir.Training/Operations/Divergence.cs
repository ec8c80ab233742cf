using System.Numerics.Tensors;

namespace Kvasir.Training.Operations;

/// <summary>
/// loss = KL(p ‖ q) = Σ p (log p − log q) of a teacher's p = softmax(t) and a student's q = softmax(z) (Hinton et al. 2015).
/// Gradient: dz = q − p.
/// </summary>
internal static class Divergence
{
    /// <summary>
    /// The loss of one row; the student's logits become their gradient times <paramref name="weight"/>, the teacher's are overwritten.
    /// </summary>
    public static float Backward(Span<float> student, Span<float> teacher, float weight)
    {
        // Σ p (log p − log q) = Σ p (t − z) − log Σ e^t + log Σ e^z; the difference t − z is taken before either is overwritten.
        Span<float> difference = teacher;
        float teacherLogSum = LogSum(teacher), mean = MeanDifference(student, teacher, teacherLogSum);
        float studentLogSum = CrossEntropy.Softmax(student);
        TensorPrimitives.Subtract(teacher, teacherLogSum, difference);
        TensorPrimitives.Exp(difference, difference);
        TensorPrimitives.Subtract(student, difference, student);
        TensorPrimitives.Multiply(student, weight, student);
        return mean - teacherLogSum + studentLogSum;
    }

    private static float LogSum(ReadOnlySpan<float> logits)
    {
        Span<float> part = stackalloc float[Chunk];
        float maximum = TensorPrimitives.Max(logits);
        double sum = 0;
        for (int first = 0; first < logits.Length; first += Chunk)
        {
            ReadOnlySpan<float> some = logits.Slice(first, Math.Min(Chunk, logits.Length - first));
            TensorPrimitives.Subtract(some, maximum, part);
            TensorPrimitives.Exp(part[..some.Length], part);
            sum += TensorPrimitives.Sum<float>(part[..some.Length]);
        }
        return maximum + (float)Math.Log(sum);
    }

    private static float MeanDifference(ReadOnlySpan<float> student, ReadOnlySpan<float> teacher, float teacherLogSum)
    {
        Span<float> probability = stackalloc float[Chunk], apart = stackalloc float[Chunk];
        double sum = 0;
        for (int first = 0; first < teacher.Length; first += Chunk)
        {
            int count = Math.Min(Chunk, teacher.Length - first);
            ReadOnlySpan<float> t = teacher.Slice(first, count);
            TensorPrimitives.Subtract(t, teacherLogSum, probability);
            TensorPrimitives.Exp(probability[..count], probability);
            TensorPrimitives.Subtract(t, student.Slice(first, count), apart);
            sum += TensorPrimitives.Dot<float>(probability[..count], apart[..count]);
        }
        return (float)sum;
    }

    private const int Chunk = 1024;
}
