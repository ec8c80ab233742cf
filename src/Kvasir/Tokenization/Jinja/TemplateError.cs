namespace Kvasir.Tokenization.Jinja;

/// <summary>How a fault of a template reads: one line with the template's line number.</summary>
internal static class TemplateError
{
    private const int MaxLength = 400;

    public static InvalidInputException At(int line, string problem)
    {
        string visible = string.Concat(problem.Take(4 * MaxLength).Select(c => IsHidden(c) ? '\uFFFD' : c));
        string oneLine = string.Join(' ', visible.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        string text = oneLine.Length > MaxLength ? string.Concat(oneLine.AsSpan(0, MaxLength), "…") : oneLine;
        return new InvalidInputException($"chat template, line {line}: {text}");
    }

    private static bool IsHidden(char c) =>
        !char.IsWhiteSpace(c) && (char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format);
}
