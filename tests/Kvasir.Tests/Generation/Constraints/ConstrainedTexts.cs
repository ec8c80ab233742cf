using Kvasir.Generation.Constraints;

namespace Kvasir.Tests.Generation.Constraints;

/// <summary>Texts that a constraint takes, and texts drawn under it.</summary>
internal static class ConstrainedTexts
{
    public static PieceTokenizer Tokenizer { get; } =
        new("{\"", "\":", "\": ", "\",\"", "tru", "true}", "null", "}}", "]", " \"", "12", "345", "é", "名前", "\\u", "\\\"", "name",
            "ame\":\"", "-0", "0.");

    public static bool Takes(this TokenConstraint constraint, string text)
    {
        TokenConstraint.Progress progress = constraint.Begin();
        foreach (byte value in Encoding.UTF8.GetBytes(text))
        {
            if (!progress.Allows(value)) return false;
            progress.Take(value);
        }

        return progress.Allows(PieceTokenizer.End);
    }

    /// <summary>
    /// A text of tokens drawn evenly from those allowed, the end as often as any other where it is; null where it does not end in time.
    /// </summary>
    public static string? Draw(this TokenConstraint constraint, Random random, int most)
    {
        var ids = new List<int>();
        TokenConstraint.Progress progress = constraint.Begin();
        while (ids.Count < most)
        {
            float[] logits = new float[Tokenizer.VocabularySize];
            Assert.True(progress.Mask(logits), Tokenizer.Decode([.. ids]));
            int[] allowed = [.. Enumerable.Range(0, logits.Length).Where(id => logits[id] == 0)];
            // Closing signs more often than others, or hardly any text would end.
            int[] closing = [.. allowed.Where(id => id < 256 && "\"]},".Contains((char)id) || id == PieceTokenizer.End)];
            int[] from = closing.Length > 0 && random.Next(3) == 0 ? closing : allowed;
            int id = from[random.Next(from.Length)];
            if (id == PieceTokenizer.End) return Tokenizer.Decode([.. ids]);
            ids.Add(id);
            progress.Take(id);
            if (progress.IsAtEnd) return Tokenizer.Decode([.. ids]);
        }

        return null;
    }
}
