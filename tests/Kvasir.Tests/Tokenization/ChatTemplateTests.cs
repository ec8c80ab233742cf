using System.Text.Json;
using Kvasir.Models;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

/// <summary>What a chat template is given, what it gives back, and what a hostile one may not do.</summary>
public sealed class ChatTemplateTests
{
    private const string SmolLm2 = """
        {%- for message in messages -%}
            {%- if loop.first and messages[0]['role'] != 'system' -%}
                {{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}
            {%- endif -%}
            {{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}
        {%- endfor -%}
        {%- if add_generation_prompt -%}
            {{ '<|im_start|>assistant\n' }}
        {%- endif -%}
        """;

    private static readonly ChatMessage s_hello = new("user", "Hi");

    [SkippableFact]
    public void Golden_conversations_of_SmolLM2_render_exactly() => AssertGolden(new ChatTemplate(SmolLm2));

    [SkippableFact]
    public void Template_in_the_model_file_renders_the_golden_conversations()
    {
        using var file = ModelFiles.Open(SharedData.Require("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        AssertGolden(new ChatTemplate(file.Require<string>("tokenizer.chat_template")));
    }

    private static void AssertGolden(ChatTemplate template)
    {
        string path = SharedData.Require("golden/engine/tokenizer/smollm.json");
        using var golden = JsonDocument.Parse(File.ReadAllText(path));
        Assert.All(golden.RootElement.GetProperty("chat").EnumerateArray(), conversation =>
        {
            ChatMessage[] messages = [.. conversation.GetProperty("messages").EnumerateArray()
                .Select(message => new ChatMessage(message.GetProperty("role").GetString()!, message.GetProperty("content").GetString()!))];
            string text = template.Render(messages, conversation.GetProperty("add_generation_prompt").GetBoolean());
            Assert.Equal(conversation.GetProperty("text").GetString(), text);
        });
    }

    [Fact]
    public void Special_tokens_and_variables_are_seen_by_the_template()
    {
        var template = new ChatTemplate(
            "{{ bos_token }}|{{ eos_token }}|{{ depth + 1 }}|{{ names | join(',') }}|{{ flags.on }}|{{ tools }}");
        string text = template.Render([], beginOfText: "<s>", endOfText: "</s>", variables: new Dictionary<string, object?>
        {
            ["depth"] = 2,
            ["names"] = new[] { "a", "b" },
            ["flags"] = new Dictionary<string, object?> { ["on"] = true },
        });
        Assert.Equal("<s>|</s>|3|a,b|True|None", text);
    }

    [Fact]
    public void Json_values_keep_their_kinds_and_order()
    {
        using var json = JsonDocument.Parse("""{"b": 1, "a": 1.0, "n": null, "t": [true, "é\n", 12345678901]}""");
        string text = new ChatTemplate("{{ x | tojson }}")
            .Render([], variables: new Dictionary<string, object?> { ["x"] = json.RootElement });
        Assert.Equal("""{"b": 1, "a": 1.0, "n": null, "t": [true, "é\n", 12345678901]}""", text);
    }

    [Fact]
    public void Extra_fields_of_a_message_are_seen_and_may_replace_its_content()
    {
        var message = new ChatMessage("assistant", "plain")
        {
            Fields = new Dictionary<string, object?>
            {
                ["reasoning_content"] = "why",
                ["content"] = new object?[] { new Dictionary<string, object?> { ["type"] = "text", ["text"] = "part" } }
            },
        };
        string text = new ChatTemplate("{{ messages[0].reasoning_content }} {{ messages[0].content[0].text }}").Render([message]);
        Assert.Equal("why part", text);
    }

    [Fact]
    public void A_variable_of_an_unknown_type_is_refused()
    {
        var variables = new Dictionary<string, object?> { ["x"] = new Version(1, 2) };
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => new ChatTemplate("").Render([], variables: variables));
        Assert.Contains("Version", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_clock_gives_the_date_line()
    {
        var template = new ChatTemplate("{{ strftime_now('%d %b %Y|%-d %B|%A|%H:%M:%S|%j|%y|%I %p|%%') }}", new FixedClock());
        Assert.Equal("05 Mar 2024|5 March|Tuesday|16:07:09|065|24|04 PM|%", template.Render([]));
    }

    [Fact]
    public void One_template_renders_on_many_threads_at_once()
    {
        var template = new ChatTemplate(
            "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + m.content | length %}{% endfor %}{{ ns.n }}");
        Parallel.For(0, 200, i =>
        {
            ChatMessage[] messages = [.. Enumerable.Repeat(new ChatMessage("user", new string('x', i)), 7)];
            Assert.Equal((7 * i).ToString(System.Globalization.CultureInfo.InvariantCulture), template.Render(messages));
        });
    }

    [Theory]
    [InlineData("a\n\n{% if x %}", "line 3", "endif")]
    [InlineData("{{ 1\n+ }}", "line 2", "expected a value")]
    [InlineData("{# never\nclosed", "line 1", "comment")]
    [InlineData("{{ 'open }}", "line 1", "string")]
    [InlineData("{% raw %}x", "line 1", "raw")]
    [InlineData("\n{% include 'f' %}", "line 2", "include")]
    [InlineData("{{ ) }}", "line 1", "unexpected ')'")]
    [InlineData("{% break %}", "line 1", "outside a for loop")]
    [InlineData("{{ f(a=1, 2) }}", "line 1", "without a name")]
    [InlineData("\n{{ 0b12 }}", "line 2", "integer")]
    [InlineData("\n{% call 1 %}{% endcall %}", "line 2", "needs a call")]
    [InlineData("{{ f(**a, b) }}", "line 1", "after one with **")]
    [InlineData("{{ '\\uZZ' }}", "line 1", "escape")]
    public void A_syntax_error_names_its_line(string source, string line, string problem)
    {
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => new ChatTemplate(source));
        Assert.Contains(line, error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\n\n{{ raise_exception('roles must\nalternate') }}", "chat template, line 3: roles must alternate")]
    [InlineData("{{ nothing.at.all }}", "chat template, line 1: 'nothing' is undefined")]
    [InlineData("{{ messages[0].name.first }}", "chat template, line 1: a dictionary has no attribute or item 'name'")]
    [InlineData("\n{{ 'a' + 1 }}", "chat template, line 2: '+' does not work on a string and an integer")]
    [InlineData("{{ messages.append(1) }}", "chat template, line 1: append(): a template cannot change a list")]
    [InlineData("\n{{ 1 < 'a' }}", "chat template, line 2: an integer and a string cannot be put in order")]
    [InlineData("\n{{ [1, 'a'] | sort }}", "chat template, line 2: a string and an integer cannot be put in order")]
    [InlineData("{% macro f() %}\n\n{% endmacro %}{{ f() + 1 }}", "chat template, line 3: '+' does not work on a string and an integer")]
    [InlineData("{{ raise_exception('a\u001b[31m\u202eb\u0007') }}", "chat template, line 1: a\uFFFD[31m\uFFFDb\uFFFD")]
    [InlineData("{{ loop(1) }}{% for i in [1] %}{{ loop([2]) }}{% endfor %}", "chat template, line 1: 'loop' is undefined")]
    [InlineData("{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}",
        "chat template, line 1: the macro 'f' has no argument 'caller'")]
    [InlineData("{{ 1 / 0 }}", "chat template, line 1: division by zero")]
    [InlineData("{% set messages.x = 1 %}", "chat template, line 1: cannot set 'messages.x': 'messages' is not a namespace")]
    [InlineData("{{ 'x' | nosuch }}", "chat template, line 1: there is no filter 'nosuch'")]
    [InlineData("{{ none() }}", "chat template, line 1: None cannot be called")]
    public void A_failing_template_says_what_and_where_in_one_line(string source, string message)
    {
        var template = new ChatTemplate(source);
        Assert.Equal(message, Assert.Throws<InvalidInputException>(() => template.Render([s_hello])).Message);
    }

    [Theory]
    [InlineData("{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}")]
    [InlineData("{{ range(100000000) }}")]
    [InlineData("{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData(
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% "
        + "endfor %}{{ ns.x == ns.y }}")]
    [InlineData("{% set ns = namespace(x=1) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}")]
    [InlineData(
        "{% set ns = namespace(x=1) %}{% for i in range(9999) %}{% set ns.x = (ns.x,) %}{% endfor %}{{ ns.x == [ns.x] }}{{ ns.x }}")]
    [InlineData("{{ 'x' * 999999999999 }}")]
    [InlineData("{{ [1] * 999999999999 }}")]
    [InlineData("{{ '%99999999d' % 1 }}")]
    [InlineData("{{ '{:>99999999}'.format(1) }}")]
    [InlineData("{{ '7'.zfill(99999999999) }}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{% for i in range(99999) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 100 }}{% endfor %}")]
    [InlineData("{% set s = 'x' * 9000000 %}{{ s | list | length }}")]
    [InlineData("{% set s = 'a,' * 6000000 %}{{ s.split(',') | length }}")]
    [InlineData("{% set s = 'a ' * 6000000 %}{{ s.split() | length }}")]
    [InlineData("{% set s = 'x\\n' * 6000000 %}{{ s.splitlines() | length }}")]
    [InlineData("{% set s = 'a' * 6000000 %}{% set p = 'a' * 1000000 ~ 'b' ~ 'a' * 1000000 %}{{ p in s }}")]
    [InlineData("{% set s = 'a' * 9000000 %}{% for i in range(90000) %}{{ s[-1] }}{% endfor %}")]
    [InlineData("{% set s = 'a' * 9000000 %}{% for i in range(90000) %}{% if s | length > 1 %}{% endif %}{% endfor %}")]
    [InlineData("{% set s = 'a' * 9000000 %}{% set t = 'a' * 9000000 %}{% for i in range(90000) %}{% if s == t %}{% endif %}{% endfor %}")]
    [InlineData("{% set s = ' ' * 9000000 %}{% for i in range(90000) %}{{ s | trim }}{{ s.strip() }}{% endfor %}")]
    [InlineData("{{ 10 ** 100000000 }}")]
    [InlineData("{{ ('a' * 900000) | wordwrap(9) }}")]
    [InlineData(
        "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = ns.x | map('string') %}{% endfor %}{{ ns.x | list }}")]
    [InlineData("{{ {'a': {'b': {'c': 1}}} | tojson(indent=9000000) }}")]
    [InlineData("{{ 'x' | center(99999999999) }}")]
    [InlineData("{{ ('\\t' * 90000).expandtabs(900000) }}")]
    public void A_template_that_would_eat_the_machine_is_stopped(string source)
    {
        var template = new ChatTemplate(source);
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => template.Render([s_hello]));
        Assert.StartsWith("chat template, line 1: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ ", "(", "1", ")", " }}")]
    [InlineData("{{ ", "[", "1", "]", " }}")]
    [InlineData("{{ ", "-", "1", "", " }}")]
    [InlineData("{{ ", "not ", "1", "", " }}")]
    [InlineData("{{ ", "1 if 1 else ", "1", "", " }}")]
    [InlineData("{{ ", "f(", "1", ")", " }}")]
    [InlineData("{{ ", "1 + ", "1", "", " }}")]
    [InlineData("{{ 1", "|abs", "", "", " }}")]
    [InlineData("{{ messages", "[0]", "", "", " }}")]
    [InlineData("{% set ", "(", "a", ",)", " = 1 %}")]
    [InlineData("", "{% if 1 %}", "x", "{% endif %}", "")]
    [InlineData("", "{% for i in [1] %}", "x", "{% endfor %}", "")]
    public void Deep_nesting_never_overflows_the_stack(string start, string open, string middle, string close, string end)
    {
        const int Depth = 50_000;
        string source = start + string.Concat(Enumerable.Repeat(open, Depth)) + middle + string.Concat(Enumerable.Repeat(close, Depth))
            + end;
        Exception? error = Record.Exception(() => new ChatTemplate(source).Render([s_hello]));
        Assert.True(error is null or InvalidInputException, error?.ToString());
    }

    [Fact]
    public void Random_edits_of_a_template_give_text_or_a_clear_error()
    {
        string[] pieces = ["{%", "%}", "{{", "}}", "-", "'", "\"", "\\", "(", ")", "[", "]", "|", ".", "if", "endif", "for x in", "endfor",
            "set", "macro", "endmacro", "{#", "#}", "raw", " ", "\n", "::", "9", "loop", "namespace"];
        var random = new Random(7);
        for (int i = 0; i < 3000; i++)
        {
            string source = SmolLm2;
            for (int edit = random.Next(1, 5); edit > 0; edit--)
            {
                int at = random.Next(source.Length);
                source = source.Remove(at, random.Next(0, Math.Min(6, source.Length - at))).Insert(at, pieces[random.Next(pieces.Length)]);
            }

            Exception? error = Record.Exception(() => new ChatTemplate(source).Render([s_hello]));
            Assert.True(error is null or InvalidInputException, $"{source}\n{error}");
        }
    }

    [Fact]
    public void Stripping_many_characters_of_a_long_text_takes_one_pass() =>
        Assert.Equal("", new ChatTemplate("{{ ('a' * 4000000).strip('b' * 1000000 ~ 'a') }}").Render([]));

    [Fact]
    public void Numbers_that_a_template_chose_do_not_share_a_hash()
    {
        // Both halves of their bits differ by one number, so that the runtime gives all of them one hash.
        IEnumerable<double> numbers = Enumerable.Range(0x40100000, 60_000).Select(high =>
            BitConverter.Int64BitsToDouble(((long)high << 32) | (uint)(high ^ 0x12345678)));
        var variables = new Dictionary<string, object?> { ["numbers"] = numbers };
        long started = Stopwatch.GetTimestamp();
        Assert.Equal("60000", new ChatTemplate("{{ numbers | unique | list | length }}").Render([], variables: variables));
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(8));
    }

    [Fact]
    public void Random_templates_give_text_or_one_clear_line()
    {
        const int Count = 500;
        for (int seed = 0; seed < Count; seed++)
        {
            string source = RandomTemplate.Next(new Random(seed));
            Exception? error = Record.Exception(() => new ChatTemplate(source).Render([s_hello]));
            Assert.True(error is null
                || (error is InvalidInputException && error.Message.StartsWith("chat template, line ", StringComparison.Ordinal)
                && !error.Message.Any(char.IsControl)), $"{source}\n{error}");
        }
    }

    [Fact]
    public void Rendering_can_be_stopped()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var template = new ChatTemplate("{% for a in range(90000) %}{% endfor %}");
        Assert.ThrowsAny<OperationCanceledException>(() => template.Render([], cancellation: stop.Token));
    }

    [Fact]
    public void A_message_whose_fields_hold_a_role_is_its_fields_and_nothing_else()
    {
        using var json = JsonDocument.Parse("""{"tool_calls": [{"id": 1}], "role": "assistant"}""");
        var message = new ChatMessage(
            "assistant", "")
        {
            Fields = json.RootElement.EnumerateObject()
            .ToDictionary(field => field.Name, field => (object?)field.Value)
        };
        Assert.Equal("""{"tool_calls": [{"id": 1}], "role": "assistant"} False None""",
            new ChatTemplate("{{ messages[0] | tojson }} {{ 'content' in messages[0] }} {{ tools }}").Render([message]));
    }

    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 3, 5, 16, 7, 9, TimeSpan.Zero);
    }
}
