using System.Collections;

namespace Kvasir.Cli.Commands;

/// <summary><c>inspect</c>: what a file holds.</summary>
internal static class InspectCommand
{
    private const int ShownItems = 8;
    private const int ShownCharacters = 100;

    public static Command Create(Terminal terminal)
    {
        var command = new ExampleCommand("inspect", "What a GGUF, safetensors or saved KV file holds.",
            "kvasir inspect SmolLM2-135M-Instruct.Q4_1.gguf");
        var file = command.Argument<string>("file", "The file, or a Hugging Face folder");
        CommonOptions common = CommonOptions.ForOutput(command);
        return command.Does(parsed =>
        {
            string path = parsed.GetValue(file)!;
            if (path.Length == 0) throw new InvalidInputException("the file's name is empty");
            bool json = common.Json(parsed);
            byte[] start = Start(path);
            if (KvFileSummary.IsKvFile(start)) Show(terminal, json, KvFileSummary.Read(path), path);
            else if (SafetensorsFile.BeginsSo(start)) ShowSafetensors(terminal, json, path);
            else ShowModel(terminal, json, path);
        });
    }

    private static void ShowModel(Terminal terminal, bool json, string path)
    {
        using ModelFile model = ModelFiles.Open(path);
        string kind = Directory.Exists(path) ? "huggingface" : "gguf";
        List<TensorRow> tensors =
            [.. model.Tensors.Values.Select(tensor => new TensorRow(tensor.Name, $"{tensor.Type}", tensor.Shape, tensor.ByteLength))];
        if (json) terminal.WriteJson(new { Kind = kind, model.Path, model.Metadata, Tensors = tensors });
        else Print(terminal, kind, path, model.Metadata.Select(pair => (pair.Key, Shown(pair.Value))), tensors);
    }

    private static void ShowSafetensors(Terminal terminal, bool json, string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        List<TensorRow> tensors =
            [.. file.Tensors.Values.Select(tensor => new TensorRow(tensor.Name, tensor.Type, tensor.Shape, tensor.ByteLength))];
        if (json) terminal.WriteJson(new { Kind = "safetensors", file.Path, file.Metadata, Tensors = tensors });
        else Print(terminal, "safetensors", path, file.Metadata.Select(pair => (pair.Key, Shown(pair.Value))), tensors);
    }

    private static void Show(Terminal terminal, bool json, KvFileSummary summary, string path)
    {
        if (json) terminal.WriteJson(new { Kind = "kv", Path = path, Metadata = summary, Bytes = new FileInfo(path).Length });
        else
        {
            Print(terminal, "kv", path,
            [
                ("version", $"{summary.Version}"),
                ("model", summary.Model),
                ("tokenizer", summary.Tokenizer),
                ("policy", summary.Policy),
                ("first position", $"{summary.FirstPosition}"),
                ("tokens", $"{summary.Tokens}"),
                ("layers", $"{summary.Layers}"),
                ("bytes", Units.Bytes(new FileInfo(path).Length)),
            ], []);
            terminal.WriteTable(["position", "offset", "tokens", "heads", "keys", "values"], summary.Segments, segment =>
                [
                    $"{segment.FirstPosition}", $"{segment.Offset}", $"{segment.Tokens}", $"{segment.Heads}", segment.Keys, segment.Values,
                ], 0, 1, 2, 3);
        }
    }

    private static void Print(
        Terminal terminal, string kind, string path, IEnumerable<(string Key, string Value)> metadata, List<TensorRow> tensors)
    {
        terminal.Out.WriteLine($"{path}: {kind}");
        terminal.WriteTable(["key", "value"], metadata, pair => [pair.Key, pair.Value]);
        if (tensors.Count == 0) return;
        terminal.WriteTable(["tensor", "type", "shape", "bytes"], tensors, row =>
            [row.Name, row.Type, string.Join(" x ", row.Shape), $"{row.Bytes}"], 3);
        terminal.Out.WriteLine($"{tensors.Count} tensors, {Units.Bytes(tensors.Sum(row => row.Bytes))}");
    }

    private static string Shown(object value)
    {
        string text = value is IEnumerable items and not string ? Shown(items) : $"{value}";
        text = text.ReplaceLineEndings("\\n");
        return text.Length <= ShownCharacters ? text : text[..ShownCharacters] + "…";
    }

    private static string Shown(IEnumerable items)
    {
        List<object> all = [.. items.Cast<object>()];
        return $"[{string.Join(", ", all.Take(ShownItems))}{(all.Count > ShownItems ? ", …" : "")}] ({all.Count})";
    }

    /// <summary>The first 16 bytes of a file; none of what cannot be read, whose error the reader of its kind gives.</summary>
    private static byte[] Start(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] start = new byte[16];
            return start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private sealed record TensorRow(string Name, string Type, IReadOnlyList<long> Shape, long Bytes);
}
