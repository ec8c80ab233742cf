using System.Text.Json;
using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

/// <summary>Templates built of the constructs that published models use, held against their published prompt formats.</summary>
public sealed class ChatTemplateModelsTests
{
    private const string Llama3 = """
        {% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}
        """;

    private const string Llama32 = """
        {{- bos_token }}
        {%- if custom_tools is defined %}
            {%- set tools = custom_tools %}
        {%- endif %}
        {%- if not date_string is defined %}
            {%- if strftime_now is defined %}
                {%- set date_string = strftime_now("%d %b %Y") %}
            {%- else %}
                {%- set date_string = "26 Jul 2024" %}
            {%- endif %}
        {%- endif %}
        {%- if not tools is defined %}
            {%- set tools = none %}
        {%- endif %}

        {#- A leading system message is taken out of the list. #}
        {%- if messages[0]['role'] == 'system' %}
            {%- set system_message = messages[0]['content']|trim %}
            {%- set messages = messages[1:] %}
        {%- else %}
            {%- set system_message = "" %}
        {%- endif %}

        {{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
        {%- if tools is not none %}
            {{- "Environment: ipython\n" }}
        {%- endif %}
        {{- "Cutting Knowledge Date: December 2023\n" }}
        {{- "Today Date: " + date_string + "\n\n" }}
        {%- if tools is not none %}
            {%- for t in tools %}
                {{- t | tojson(indent=4) }}
                {{- "\n\n" }}
            {%- endfor %}
        {%- endif %}
        {{- system_message }}
        {{- "<|eot_id|>" }}
        {%- for message in messages %}
            {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
                {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
            {%- elif 'tool_calls' in message %}
                {%- if not message.tool_calls|length == 1 %}
                    {{- raise_exception("one tool call at a time") }}
                {%- endif %}
                {%- set tool_call = message.tool_calls[0].function %}
                {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
                {{- '{"name": "' + tool_call.name + '", ' }}
                {{- '"parameters": ' }}
                {{- tool_call.arguments | tojson }}
                {{- "}" }}
                {{- "<|eot_id|>" }}
            {%- elif message.role == "tool" or message.role == "ipython" %}
                {{- "<|start_header_id|>ipython<|end_header_id|>\n\n" }}
                {%- if message.content is mapping or message.content is iterable %}
                    {{- message.content | tojson }}
                {%- else %}
                    {{- message.content }}
                {%- endif %}
                {{- "<|eot_id|>" }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
        {%- endif %}
        """;

    private const string Qwen25 = """
        {%- if tools %}
            {{- '<|im_start|>system\n' }}
            {%- if messages[0]['role'] == 'system' %}
                {{- messages[0]['content'] }}
            {%- else %}
                {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}
            {%- endif %}
            {{- "\n\n# Tools\n\n<tools>" }}
            {%- for tool in tools %}
                {{- "\n" }}
                {{- tool | tojson }}
            {%- endfor %}
            {{- "\n</tools><|im_end|>\n" }}
        {%- else %}
            {%- if messages[0]['role'] == 'system' %}
                {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
            {%- else %}
                {{- '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' }}
            {%- endif %}
        {%- endif %}
        {%- for message in messages %}
            {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
                {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
            {%- elif message.role == "assistant" %}
                {{- '<|im_start|>' + message.role }}
                {%- for tool_call in message.tool_calls %}
                    {%- if tool_call.function is defined %}
                        {%- set tool_call = tool_call.function %}
                    {%- endif %}
                    {{- '\n<tool_call>\n{"name": "' }}
                    {{- tool_call.name }}
                    {{- '", "arguments": ' }}
                    {{- tool_call.arguments | tojson }}
                    {{- '}\n</tool_call>' }}
                {%- endfor %}
                {{- '<|im_end|>\n' }}
            {%- elif message.role == "tool" %}
                {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
                    {{- '<|im_start|>user' }}
                {%- endif %}
                {{- '\n<tool_response>\n' }}
                {{- message.content }}
                {{- '\n</tool_response>' }}
                {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
                    {{- '<|im_end|>\n' }}
                {%- endif %}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|im_start|>assistant\n' }}
        {%- endif %}
        """;

    private const string Qwen3 = """
        {%- if messages[0].role == 'system' %}
            {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
        {%- endif %}
        {%- set ns = namespace(searching=true, last_query=messages|length - 1) %}
        {%- for message in messages[::-1] %}
            {%- set index = (messages|length - 1) - loop.index0 %}
            {%- if ns.searching and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
                {%- set ns.searching = false %}
                {%- set ns.last_query = index %}
            {%- endif %}
        {%- endfor %}
        {%- for message in messages %}
            {%- if message.content is string %}
                {%- set content = message.content %}
            {%- else %}
                {%- set content = '' %}
            {%- endif %}
            {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
                {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
            {%- elif message.role == "assistant" %}
                {%- set reasoning = '' %}
                {%- if message.reasoning_content is string %}
                    {%- set reasoning = message.reasoning_content %}
                {%- else %}
                    {%- if '</think>' in content %}
                        {%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
                        {%- set content = content.split('</think>')[-1].lstrip('\n') %}
                    {%- endif %}
                {%- endif %}
                {%- if loop.index0 > ns.last_query and (loop.last or (not loop.last and reasoning)) %}
                    {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
                {%- else %}
                    {{- '<|im_start|>' + message.role + '\n' + content }}
                {%- endif %}
                {{- '<|im_end|>\n' }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|im_start|>assistant\n' }}
            {%- if enable_thinking is defined and enable_thinking is false %}
                {{- '<think>\n\n</think>\n\n' }}
            {%- endif %}
        {%- endif %}
        """;

    private const string Mistral = """
        {%- if messages[0]["role"] == "system" %}
            {%- set system_message = messages[0]["content"] %}
            {%- set loop_messages = messages[1:] %}
        {%- else %}
            {%- set loop_messages = messages %}
        {%- endif %}
        {%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}

        {%- set ns = namespace() %}
        {%- set ns.index = 0 %}
        {%- for message in loop_messages %}
            {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
                {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
                    {{- raise_exception("After the optional system message, conversation roles must alternate user/assistant/user/assistant/...") }}
                {%- endif %}
                {%- set ns.index = ns.index + 1 %}
            {%- endif %}
        {%- endfor %}

        {{- bos_token }}
        {%- for message in loop_messages %}
            {%- if message["role"] == "user" %}
                {%- if loop.last and system_message is defined %}
                    {{- "[INST] " + system_message + "\n\n" + message["content"] + "[/INST]" }}
                {%- else %}
                    {{- "[INST] " + message["content"] + "[/INST]" }}
                {%- endif %}
            {%- elif message["role"] == "assistant" %}
                {{- " " + message["content"]|trim + eos_token}}
            {%- else %}
                {{- raise_exception("Only user and assistant roles are supported!") }}
            {%- endif %}
        {%- endfor %}
        """;

    private const string Gemma2 = """
        {{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}
        """;

    private const string Gemma3 = """
        {{ bos_token }}
        {%- if messages[0]['role'] == 'system' -%}
            {%- if messages[0]['content'] is string -%}
                {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
            {%- else -%}
                {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
            {%- endif -%}
            {%- set loop_messages = messages[1:] -%}
        {%- else -%}
            {%- set first_user_prefix = "" -%}
            {%- set loop_messages = messages -%}
        {%- endif -%}
        {%- for message in loop_messages -%}
            {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
                {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
            {%- endif -%}
            {%- if (message['role'] == 'assistant') -%}
                {%- set role = "model" -%}
            {%- else -%}
                {%- set role = message['role'] -%}
            {%- endif -%}
            {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
            {%- if message['content'] is string -%}
                {{ message['content'] | trim }}
            {%- elif message['content'] is iterable -%}
                {%- for item in message['content'] -%}
                    {%- if item['type'] == 'image' -%}
                        {{ '<start_of_image>' }}
                    {%- elif item['type'] == 'text' -%}
                        {{ item['text'] | trim }}
                    {%- endif -%}
                {%- endfor -%}
            {%- else -%}
                {{ raise_exception("Invalid content type") }}
            {%- endif -%}
            {{ '<end_of_turn>\n' }}
        {%- endfor -%}
        {%- if add_generation_prompt -%}
            {{'<start_of_turn>model\n'}}
        {%- endif -%}
        """;

    private const string Phi3 = """
        {% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}
        """;

    private static readonly ChatMessage[] s_turns = [new("user", "Hi"), new("assistant", "Hello "), new("user", "Why?")];

    private static readonly ChatMessage[] s_withSystem = [new("system", "Be terse."), .. s_turns];

    private static Dictionary<string, object?> Variables(params (string Name, object? Value)[] variables) =>
        variables.ToDictionary(variable => variable.Name, variable => variable.Value);

    [Fact]
    public void Llama3_puts_every_turn_under_a_header()
    {
        Assert.Equal(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe terse.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n",
            new ChatTemplate(Llama3).Render(s_withSystem, beginOfText: "<|begin_of_text|>"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Llama32_writes_the_date_line_with_and_without_a_system_message(bool withSystem)
    {
        string system = withSystem ? "Be terse." : "";
        Assert.Equal(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul "
                + "2024\n\n" + system + "<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n",
            new ChatTemplate(Llama32)
                .Render(withSystem ? s_withSystem
                : s_turns, beginOfText: "<|begin_of_text|>", variables: Variables(("date_string", "26 Jul 2024"))));
    }

    [Fact]
    public void Llama32_writes_tools_calls_and_their_results()
    {
        using var json = JsonDocument.Parse(
            """{"tool_calls": [{"function": {"name": "sum", "arguments": {"a": 1, "b": [2]}}}], "tools": [{"name": "sum","""
            + """ "strict": true}]}""");
        ChatMessage[] messages =
        [
            new("user", "1+2?"),
            new("assistant", "") { Fields = Variables(("tool_calls", json.RootElement.GetProperty("tool_calls"))) },
            new("tool", "3"),
        ];
        Assert.Equal(
            "<|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 2023\nToday Date: 1 Jan "
                + "2025\n\n"
            + "{\n    \"name\": \"sum\",\n    \"strict\": true\n}\n\n<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\n1+2?<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n{\"name\": \"sum\", \"parameters\": {\"a\": 1, \"b\": [2]}}<|eot_id|>"
            + "<|start_header_id|>ipython<|end_header_id|>\n\n\"3\"<|eot_id|>",
            new ChatTemplate(Llama32)
                .Render(messages, addGenerationPrompt: false,
                variables: Variables(("date_string", "1 Jan 2025"), ("tools", json.RootElement.GetProperty("tools")))));
    }

    [Fact]
    public void Qwen25_adds_its_default_system_message()
    {
        Assert.Equal(
            "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
            + "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello "
                + "<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
            new ChatTemplate(Qwen25).Render(s_turns));
    }

    [Fact]
    public void Qwen25_groups_tool_responses_in_one_turn()
    {
        using var json = JsonDocument.Parse("""[{"type": "function", "function": {"name": "now", "arguments": {"zone": "é"}}}]""");
        ChatMessage[] messages =
        [
            new("system", "S"),
            new("user", "Time?"),
            new("assistant", "") { Fields = Variables(("tool_calls", json.RootElement)) },
            new("tool", "12:00"),
            new("tool", "13:00"),
        ];
        Assert.Equal(
            "<|im_start|>system\nS\n\n# Tools\n\n<tools>\n{\"name\": \"now\"}\n</tools><|im_end|>\n<|im_start|>user\nTime?<|im_end|>\n"
            + "<|im_start|>assistant\n<tool_call>\n{\"name\": \"now\", \"arguments\": {\"zone\": \"é\"}}\n</tool_call><|im_end|>\n"
            + "<|im_start|>user\n<tool_response>\n12:00\n</tool_response>\n<tool_response>\n13:00\n</tool_response><|im_end|>\n<|im_start|>assistant\n",
            new ChatTemplate(Qwen25).Render(messages, variables: Variables(("tools", new[] { Variables(("name", "now")) }))));
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "<think>\n\n</think>\n\n")]
    public void Qwen3_opens_an_empty_thought_where_thinking_is_off(bool thinking, string thought)
    {
        Assert.Equal(
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n" + thought,
            new ChatTemplate(Qwen3).Render([new("user", "Hi")], variables: Variables(("enable_thinking", thinking))));
    }

    [Fact]
    public void Qwen3_drops_thoughts_before_the_last_question_and_keeps_those_after()
    {
        ChatMessage[] messages =
        [
            new("user", "A"),
            new("assistant", "<think>\nold thought\n</think>\n\nB"),
            new("user", "C"),
            new("assistant", "<think>\nnew thought\n</think>\n\nD"),
            new("user", "<tool_response>x</tool_response>"),
            new("assistant", "E") { Fields = Variables(("reasoning_content", "\nseparate\n")) },
        ];
        Assert.Equal(
            "<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nC<|im_end|>\n"
            + "<|im_start|>assistant\n<think>\nnew thought\n</think>\n\nD<|im_end|>\n"
            + "<|im_start|>user\n<tool_response>x</tool_response><|im_end|>\n"
            + "<|im_start|>assistant\n<think>\nseparate\n</think>\n\nE<|im_end|>\n",
            new ChatTemplate(Qwen3).Render(messages, addGenerationPrompt: false));
    }

    [Fact]
    public void Mistral_puts_the_system_message_into_the_last_instruction() =>
        Assert.Equal(
            "<s>[INST] Hi[/INST] Hello</s>[INST] Be terse.\n\nWhy?[/INST]",
            new ChatTemplate(Mistral).Render(s_withSystem, beginOfText: "<s>", endOfText: "</s>"));

    [Fact]
    public void Mistral_refuses_roles_that_do_not_alternate()
    {
        var template = new ChatTemplate(Mistral);
        InvalidInputException error = Assert.Throws<InvalidInputException>(() =>
            template.Render([new("user", "a"), new("user", "b")], beginOfText: "<s>", endOfText: "</s>"));
        Assert.Equal(
            "chat template, line 14: After the optional system message, conversation roles must alternate "
            + "user/assistant/user/assistant/...", error.Message);
    }

    [Theory]
    [InlineData(Gemma2)]
    [InlineData(Gemma3)]
    public void Gemma_calls_the_assistant_model(string source) =>
        Assert.Equal(
            "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n",
            new ChatTemplate(source).Render(s_turns, beginOfText: "<bos>"));

    [Fact]
    public void Gemma2_refuses_a_system_message()
    {
        var template = new ChatTemplate(Gemma2);
        Assert.Equal("chat template, line 1: System role not supported",
            Assert.Throws<InvalidInputException>(() => template.Render(s_withSystem, beginOfText: "<bos>")).Message);
    }

    [Fact]
    public void Gemma3_puts_the_system_message_before_the_first_question_and_reads_content_in_parts()
    {
        object?[] parts = [Variables(("type", "image")), Variables(("type", "text"), ("text", " What? "))];
        ChatMessage[] messages = [new("system", "Be terse."), new("user", "") { Fields = Variables(("content", parts)) }];
        Assert.Equal(
            "<bos><start_of_turn>user\nBe terse.\n\n<start_of_image>What?<end_of_turn>\n",
            new ChatTemplate(Gemma3).Render(messages, addGenerationPrompt: false, beginOfText: "<bos>"));
    }

    [Theory]
    [InlineData(true, "<|assistant|>\n")]
    [InlineData(false, "<|endoftext|>")]
    public void Phi3_ends_with_the_assistant_or_the_end_of_text(bool addGenerationPrompt, string end) =>
        Assert.Equal(
            "<|system|>\nBe terse.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\nHello <|end|>\n<|user|>\nWhy?<|end|>\n" + end,
            new ChatTemplate(Phi3).Render(s_withSystem, addGenerationPrompt, endOfText: "<|endoftext|>"));
}
