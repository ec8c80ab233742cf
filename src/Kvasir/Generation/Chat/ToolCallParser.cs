using System.Text.Json;

namespace Kvasir.Generation.Chat;

/// <summary>
/// Takes the calls of tools out of a streamed reply. What may become a call is held back; what turns out to be none, or a call of no tool
/// that there is, is text.
/// </summary>
internal sealed class ToolCallParser(ToolForm form, IReadOnlyCollection<string> tools, bool begunWithCall = false)
{
    private const string PythonTag = "<|python_tag|>", Arguments = "[ARGS]";

    private readonly StringBuilder _held = new();
    private readonly List<ToolCall> _calls = [];
    private bool _inCall = begunWithCall, _begun;

    /// <summary>The calls so far.</summary>
    public IReadOnlyList<ToolCall> Calls => _calls;

    /// <summary>Adds text; what of it is certain to be none of a call.</summary>
    public string Add(string text)
    {
        _held.Append(text);
        var shown = new StringBuilder();
        while (_inCall ? TakeCall(shown) : TakeText(shown))
        {
        }

        return shown.ToString();
    }

    /// <summary>At the end of the reply: what is left of it.</summary>
    public string Finish()
    {
        string rest = _held.ToString();
        _held.Clear();
        if (!_inCall) return rest;
        _inCall = false;
        return Parse(rest) ? "" : form.Opening + rest;
    }

    /// <summary>Up to where a call may begin; whether one does.</summary>
    private bool TakeText(StringBuilder shown)
    {
        string text = _held.ToString();
        if (form.Opening.Length == 0) return TakeStart(text, shown);
        int at = text.IndexOf(form.Opening, StringComparison.Ordinal);
        int certain = at >= 0 ? at : text.Length - HeldBack(text, form.Opening);
        string before = text[..certain];
        // White space before a first call, or between two, is no answer.
        if (_calls.Count == 0 || !string.IsNullOrWhiteSpace(before)) shown.Append(before);
        _held.Remove(0, certain + (at >= 0 ? form.Opening.Length : 0));
        return _inCall = at >= 0;
    }

    /// <summary>Where a reply that begins with a brace is a call: decided by its first character.</summary>
    private bool TakeStart(string text, StringBuilder shown)
    {
        string start = text.TrimStart();
        if (!_begun && (start.Length == 0 || (start.Length < PythonTag.Length && PythonTag.StartsWith(start, StringComparison.Ordinal))))
            return false;
        bool tagged = start.StartsWith(PythonTag, StringComparison.Ordinal);
        if (!_begun && (tagged || start[0] == '{'))
        {
            _held.Clear().Append(tagged ? start[PythonTag.Length..] : start);
            return _inCall = _begun = true;
        }

        _begun = true;
        shown.Append(text);
        _held.Clear();
        return false;
    }

    private bool TakeCall(StringBuilder shown)
    {
        if (form.Closing is null) return false;
        string text = _held.ToString();
        int end = text.IndexOf(form.Closing, StringComparison.Ordinal);
        if (end < 0) return false;
        _held.Remove(0, end + form.Closing.Length);
        _inCall = false;
        if (!Parse(text[..end])) shown.Append(form.Opening).Append(text, 0, end).Append(form.Closing);
        return true;
    }

    /// <summary>False where it is no call, or one of no tool that there is.</summary>
    private bool Parse(string text)
    {
        if (text.IndexOf(Arguments, StringComparison.Ordinal) is > 0 and int split)
            text = $$"""{"name":{{JsonSerializer.Serialize(text[..split].Trim())}},"arguments":{{text[(split + Arguments.Length)..]}}}""";
        List<ToolCall> found = [];
        try
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text.Trim().Replace("}; {", "} {", StringComparison.Ordinal));
            var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { AllowMultipleValues = true });
            while (reader.Read())
            {
                using JsonDocument document = JsonDocument.ParseValue(ref reader);
                JsonElement value = document.RootElement;
                if (value.ValueKind == JsonValueKind.Array) found.AddRange(value.EnumerateArray().Select(Call));
                else found.Add(Call(value));
            }
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException)
        {
            return false;
        }

        _calls.AddRange(found);
        return found.Count > 0;
    }

    /// <exception cref="FormatException">It is none.</exception>
    private ToolCall Call(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("name", out JsonElement name)
            || name.ValueKind != JsonValueKind.String || !tools.Contains(name.GetString()!)) throw new FormatException();
        if (!value.TryGetProperty("arguments", out JsonElement arguments) && !value.TryGetProperty("parameters", out arguments))
            return ToolCall.New(name.GetString()!, "{}");
        string json = arguments.ValueKind == JsonValueKind.String ? arguments.GetString()! : arguments.GetRawText();
        using JsonDocument checkedJson = JsonDocument.Parse(json);
        return checkedJson.RootElement.ValueKind == JsonValueKind.Object ? ToolCall.New(name.GetString()!, json)
            : throw new FormatException();
    }

    /// <summary>The length of the longest end of the text that the marker begins with.</summary>
    private static int HeldBack(string text, string marker)
    {
        int length = Math.Min(marker.Length - 1, text.Length);
        while (length > 0 && !text.EndsWith(marker[..length], StringComparison.Ordinal)) length--;
        return length;
    }
}
