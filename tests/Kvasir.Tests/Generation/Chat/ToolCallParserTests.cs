using Kvasir.Generation.Chat;

namespace Kvasir.Tests.Generation.Chat;

public class ToolCallParserTests
{
    [Theory]
    [InlineData("Hermes",
        "Let me see.<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>{\"name\":\"get\"}</tool_call>",
        "Let me see.", "add {\"a\": 1}; get {}")]
    [InlineData("Hermes", "<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1}}", "", "add {\"a\": 1}")]
    [InlineData("Hermes", "a < b, <tool>", "a < b, <tool>", "")]
    [InlineData("Hermes", "<tool_call>no JSON</tool_call> so.", "<tool_call>no JSON</tool_call> so.", "")]
    [InlineData("Hermes", "<tool_call>{\"name\": \"unknown\", \"arguments\": {}}</tool_call>",
        "<tool_call>{\"name\": \"unknown\", \"arguments\": {}}</tool_call>", "")]
    [InlineData("Mistral", "[TOOL_CALLS][{\"name\": \"add\", \"arguments\": {\"a\": 1}}, {\"name\": \"get\", \"arguments\": {}}]", "",
        "add {\"a\": 1}; get {}")]
    [InlineData("Mistral", "[TOOL_CALLS]add[ARGS]{\"a\": 2}", "", "add {\"a\": 2}")]
    [InlineData("Llama3", "{\"name\": \"add\", \"parameters\": {\"a\": 1}}", "", "add {\"a\": 1}")]
    [InlineData("Llama3", "<|python_tag|>{\"name\": \"add\", \"parameters\": {\"a\": 1}}; {\"name\": \"get\", \"parameters\": {}}", "",
        "add {\"a\": 1}; get {}")]
    [InlineData("Llama3", "{\"answer\": 42}", "{\"answer\": 42}", "")]
    [InlineData("Llama3", "Use {\"name\": \"add\"}", "Use {\"name\": \"add\"}", "")]
    public void Calls_are_taken_out_wherever_pieces_are_cut(string form, string reply, string text, string calls)
    {
        ToolForm of = form switch { "Hermes" => ToolForm.Hermes, "Mistral" => ToolForm.Mistral, _ => ToolForm.Llama3 };
        for (int length = 1; length <= reply.Length; length += length < 8 ? 1 : 13)
        {
            var parser = new ToolCallParser(of, ["add", "get"]);
            string shown = string.Concat(reply.Chunk(length).Select(piece => parser.Add(new string(piece)))) + parser.Finish();
            Assert.Equal(text, shown);
            Assert.Equal(calls, string.Join("; ", parser.Calls.Select(call => $"{call.Name} {call.Arguments}")));
            Assert.All(parser.Calls, call => Assert.Equal(9, call.Id.Length));
        }
    }
}
