using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kvasir.Memory;

namespace Kvasir.Formats;

/// <summary>Profiles, which are JSON files: written as a whole, read with one line for whatever is wrong.</summary>
/// <param name="kind">What it is, for people: "a head profile".</param>
/// <param name="maker">The command that makes one.</param>
/// <param name="longest">Bytes that no such file has more of.</param>
/// <param name="type">How it is serialised.</param>
internal sealed class JsonProfile<T>(string kind, string maker, long longest, JsonTypeInfo<T> type) where T : class
{
    /// <exception cref="InvalidInputException">It cannot be read, or is something else.</exception>
    public T Read(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            if (length > longest) throw new InvalidInputException($"{path}: not {kind} ({length} bytes)");
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type) ?? throw NotOne(path);
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException($"{path}: not {kind} ({problem.Message})", problem);
        }
        catch (Exception problem) when (IsOfTheFile(problem))
        {
            throw new InvalidInputException($"{path}: the profile cannot be read ({problem.Message})", problem);
        }
    }

    /// <summary>Writes it under a temporary name first.</summary>
    /// <exception cref="InvalidInputException">It cannot be written.</exception>
    public void Write(string path, T profile)
    {
        try
        {
            using var file = new ReplacedFile(path);
            JsonSerializer.Serialize(file.Stream, profile, type);
            file.Commit();
        }
        catch (Exception problem) when (IsOfTheFile(problem))
        {
            throw new InvalidInputException($"{path}: the profile cannot be written ({problem.Message})", problem);
        }
    }

    /// <summary>Says that a file is something else.</summary>
    public InvalidInputException NotOne(string path) => new($"{path}: not {kind}; {maker} makes one");

    private static bool IsOfTheFile(Exception problem) =>
        problem is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;
}
