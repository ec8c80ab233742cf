using Kvasir.Tokenization;

namespace Kvasir.Tests.Tokenization;

/// <summary>
/// The far corners of the language of templates. Expected texts were rendered by Jinja 3.1.6 on Python 3.11 with the settings that Hugging
/// Face uses.
/// </summary>
public sealed class ChatTemplatePythonTests
{
    private static readonly Dictionary<string, object?> s_variables = new()
    {
        ["messages"] = new[] { Map(("role", "system"), ("content", " Sys 👋 ")), Map(("role", "user"), ("content", "Hi")),
            Map(("role", "assistant"), ("content", "a</think>b")), Map(("role", "user"), ("content", "")) },
        ["d"] = Map(("a", 1), ("B", 2.5), ("c", null), ("items", "x"), ("n", Map(("k", new object?[] { 1, 2, Map(("z", true)) })))),
        ["s"] = "Hello, Wörld 👋 it's \"q\"",
        ["n"] = 7,
        ["f"] = 1e16,
        ["nums"] = new[] { 3, 1, 2, 3, -1 },
        ["words"] = new[] { "pear", "Apple", "fig", "apple" },
        ["e"] = Array.Empty<string>(),
        ["b"] = false,
        ["long"] = "line1\nline2\n\nline4",
        ["objs"] = new[] { Map(("name", "x"), ("v", 3), ("t", Map(("u", 1)))), Map(("name", "y"), ("v", 1)),
            Map(("name", "Z"), ("v", 2), ("t", Map(("u", 5)))) },
        ["big"] = System.Text.Json.JsonDocument.Parse("123456789012345678901234567890").RootElement,
        ["txt"] = "The quick brown fox jumps over the lazy dog. A well-known state-of-the-art thing -- really; "
            + "supercalifragilisticexpialidocious end.",
    };

    public static TheoryData<string, string> Expressions => new()
    {
        { "none|selectattr('a')|list", "[]" },
        { "false|map('upper')|list", "[]" },
        { "none|reject|list", "[]" },
        { "nope|batch(2)|list", "[]" },
        { "none|trim", "None" },
        { "none|int", "0" },
        { "none|float", "0.0" },
        { "big|tojson", "123456789012345678901234567890" },
        { "2**100", "1267650600228229401496703205376" },
        { "-(10**20)%7", "5" },
        { "10**20//3", "33333333333333333333" },
        { "-10**20//3", "33333333333333333333" },
        { "big+0.5", "1.2345678901234568e+29" },
        { "(10**25)|float", "1e+25" },
        { "'%.1f' % -10**25", "-10000000000000000905969664.0" },
        { "'123456789012345678901234567890'|int+1", "123456789012345678901234567891" },
        { "9223372036854775807+1", "9223372036854775808" },
        { "9007199254740993 == 9007199254740992.0", "False" },
        { "true + true", "2" },
        { "[1e-7]", "[1e-07]" },
        { "1e21", "1e+21" },
        { "(2.5e-8)|string", "2.5e-08" },
        { "(1/3)|tojson", "0.3333333333333333" },
        { "(123456789012345680.0)|round(3)", "1.2345678901234568e+17" },
        { "1e308*10|int", "inf" },
        { "2.675|round(2)", "2.67" },
        { "25|round(-1)", "20" },
        { "-2.5|round", "-2.0" },
        { "2.345|round(2,'ceil')", "2.35" },
        { "(-0.4)|round(0,'ceil')", "0.0" },
        { "(-0.4)|round", "-0.0" },
        { "'{:>05d} {:<05} {:^07} {:*>05} {:05}'.format(3,42,-1,7,-3)", "00003 42000 00-1000 ****7 -0003" },
        { "'{:,G}'.format(1234567890.0)", "1.23457E+09" },
        { "'नमस्ते 𝐀b_1 x'|wordcount", "4" },
        { "'%5.1f%%' % (2.675,)", "  2.7%" },
        { "'%.0f' % (0.5,)", "0" },
        { "'%#x' % (255,)", "0xff" },
        { "'%+d' % (7,)", "+7" },
        { "'%g' % (1e-10,)", "1e-10" },
        { "'%.3d' % (7,)", "007" },
        { "'%(a)s %(b)05d' % {'a':'x','b':42}", "x 00042" },
        { "'{:,.2f}'.format(12345.6789)", "12,345.68" },
        { "'{:_x}'.format(123456789012345678901234567890)", "1_8ee9_0ff6_c373_e0ee_4e3f_0ad2" },
        { "'{:.3}'.format(12345.6789)", "1.23e+04" },
        { "'{:^6}'.format('abc')", " abc  " },
        { "'{:05}'.format(-7)", "-0007" },
        { "'{0[a]} {0.x} {1[0]} {k.a}'.format({'a':1},[5],k={'a':2})", "1  5 2" },
        { "'{:{w}.{p}f}'.format(3.14159,w=10,p=2)", "      3.14" },
        { "'{:.1%}'.format(0.5)", "50.0%" },
        { "'{:e}'.format(1e10)", "1.000000e+10" },
        { "'AbC'.swapcase()", "aBc" },
        { "'hello World'.center(20,'*')", "****hello World*****" },
        { "'--a,b,,c--'.rpartition(',')", "('--a,b,', ',', 'c--')" },
        { "'a\\tb'.expandtabs(4)", "a   b" },
        { "'ab\\ncd\\r\\nef\\x0bgh'.splitlines(true)", "['ab\\n', 'cd\\r\\n', 'ef\\x0b', 'gh']" },
        { "'--a,b,,c--'.rsplit(',')", "['--a', 'b', '', 'c--']" },
        { "'AbC'.istitle()", "False" },
        { "'hello World'.translate({97:'Z',98:none})", "hello World" },
        { "'a1_b'.isidentifier()", "True" },
        { "'²³½'.isdigit()", "False" },
        { "'²³½'.isnumeric()", "True" },
        { "'一二三'.isnumeric()", "True" },
        { "'hello World'.ljust(20,'.')", "hello World........." },
        { "'hello World'.count('b',1)", "0" },
        { "'hello World'.find('b',2)", "-1" },
        { "'ABC DEF'.casefold()", "abc def" },
        { "'hello World'.startswith('b',1)", "False" },
        { "'ß ŉ ǆ İ ı ſ ﬁ'.upper()", "SS ʼN Ǆ İ I S FI" },
        { "'ß ŉ ǆ İ ı ſ ﬁ'.lower()", "ß ŉ ǆ i̇ ı ſ ﬁ" },
        { "'ß ŉ ǆ İ ı ſ ﬁ'.title()", "Ss ʼN ǅ İ I S Fi" },
        { "'ΑΣ ΌΔΟΣ Σ ς'.lower()", "ας όδος σ ς" },
        { "'中文 abc'.title()", "中文 Abc" },
        { "'ΑΣΑ'.lower()", "ασα" },
        { "words|sort(case_sensitive=true)", "['Apple', 'apple', 'fig', 'pear']" },
        { "words|unique(case_sensitive=true)|list", "['pear', 'Apple', 'fig', 'apple']" },
        { "objs|groupby('v')",
            "[(1, [{'name': 'y', 'v': 1}]), (2, [{'name': 'Z', 'v': 2, 't': {'u': 5}}]), (3, [{'name': 'x', 'v': 3, 't': {'u': 1}}])]" },
        { "(objs|groupby('v'))[0].grouper", "1" },
        { "objs|groupby('t.u', default=0)",
            "[(0, [{'name': 'y', 'v': 1}]), (1, [{'name': 'x', 'v': 3, 't': {'u': 1}}]), (5, [{'name': 'Z', 'v': 2, 't': {'u': 5}}])]" },
        { "[{'a':1,'b':2},{'a':1,'b':1}]|sort(attribute='a,b')", "[{'a': 1, 'b': 1}, {'a': 1, 'b': 2}]" },
        { "[nope,nope]|sort", "[Undefined, Undefined]" },
        { "[3,1,2]|slice(2,'-')|list", "[[3, 1], [2, '-']]" },
        { "[3,1,2]|batch(2,'-')|list", "[[3, 1], [2, '-']]" },
        { "(nums|map('string'))[0]", "" },
        { "nums|map('string') is iterable", "True" },
        { "nums|map('string') is sequence", "False" },
        { "nums|map('string')|first", "3" },
        { "'3' in nums|map('string')", "True" },
        { "{'a':1,'b':2}.items()", "dict_items([('a', 1), ('b', 2)])" },
        { "range(3)", "range(0, 3)" },
        { "txt|wordwrap(20)",
            "The quick brown fox\njumps over the lazy\ndog. A well-known\nstate-of-the-art\nthing -- really; "
            + "sup\nercalifragilisticexp\nialidocious end." },
        { "txt|wordwrap(12,true,'|')",
            "The quick|brown fox|jumps over|the lazy|dog. A well-|known state-|of-the-art|thing --|really; "
            + "supe|rcalifragili|sticexpialid|ocious end." },
        { "txt|wordwrap(12,break_on_hyphens=false)",
            "The quick\nbrown fox\njumps over\nthe lazy\ndog. A\nwell-known s\ntate-of-the-\nart thing --\nreally; "
            + "supe\nrcalifragili\nsticexpialid\nocious end." },
        { "txt|truncate(20)", "The quick brown..." },
        { "txt|truncate(20,true)", "The quick brown f..." },
        { "txt|wordcount", "20" },
        { "123456789|filesizeformat", "123.5 MB" },
        { "123456789|filesizeformat(true)", "117.7 MiB" },
        { "1|filesizeformat", "1 Byte" },
        { "'<p>a <b>b</b>\\n  c</p><!-- x --> &lt;d&gt; &eacute;'|striptags", "a b c <d> é" },
        { "{'a b':'c d','e':'é/'}|urlencode", "a+b=c+d&e=%C3%A9%2F" },
        { "'a b/c?d=é&f'|urlencode", "a%20b/c%3Fd%3D%C3%A9%26f" },
        { "{'id':'x','class':none,'data':'<\"'}|xmlattr", " id=\"x\" data=\"&lt;&#34;\"" },
        { "{'b':txt,'a':[1,2,3]}|pprint",
            "{'a': [1, 2, 3],\n 'b': 'The quick brown fox jumps over the lazy dog. A well-known '\n      'state-of-the-art thing -- "
            + "really; supercalifragilisticexpialidocious '\n      'end.'}" },
        { "(txt,)|pprint",
            "('The quick brown fox jumps over the lazy dog. A well-known state-of-the-art '\n 'thing -- really; "
            + "supercalifragilisticexpialidocious end.',)" },
        { "range(40)|list|pprint",
            "[0,\n 1,\n 2,\n 3,\n 4,\n 5,\n 6,\n 7,\n 8,\n 9,\n 10,\n 11,\n 12,\n 13,\n 14,\n 15,\n 16,\n 17,\n 18,\n 19,\n 20,\n 21,\n "
            + "22,\n 23,\n 24,\n 25,\n 26,\n 27,\n 28,\n 29,\n 30,\n 31,\n 32,\n 33,\n 34,\n 35,\n 36,\n 37,\n 38,\n 39]" },
        { "'a\\n'|indent", "a\n" },
        { "{'b':1,'a':2}|tojson(sort_keys=true)", "{\"a\": 2, \"b\": 1}" },
        { "{'a':[],'b':{},'c':()}|tojson(indent=2)", "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": []\n}" },
        { "{(1,2):3}[(1,2)]", "3" },
        { "nums[2:0:-1]", "[2, 1]" },
        { "d|attr('a')", "" },
        { "[1] == (1,)", "False" },
        { "1 in [1] in [[1]]", "True" },
        { "cycler(1,2).next()", "1" },
        { "dict([('a',1),('b',2)])", "{'a': 1, 'b': 2}" },
    };

    public static TheoryData<string, string> Statements => new()
    {
        { "{% macro f(a) %}{{a}}{{varargs}}{{kwargs}}{% endmacro %}{{ f(1,2,3,x=4) }}", "1(2, 3){'x': 4}" },
        { "{% macro f(a) %}{{a}}{% endmacro %}{{ f(*[1]) }}{{ f(**{'a':2}) }}", "12" },
        { "{% macro f(a,b=2) %}{{a}}{{b}}{{caller()}}{% endmacro %}{% call f(1) %}body{% endcall %}", "12body" },
        { "{% macro f() %}{% for i in [1,2] %}{{caller(i, i*2)}}{% endfor %}{% endmacro %}{% call(x, y=5) f() %}[{{x}}{{y}}]{% endcall %}",
            "[12][24]" },
        { "{% macro f() %}{{ caller }}{% endmacro %}{{ f() }}", "" },
        { "{% macro f() %}{% if caller is defined %}{{caller()}}{% else %}none{% endif %}{% endmacro %}{{ f() }}{% call f() %}c{% "
            + "endcall %}", "nonec" },
        { "{% macro f(x) %}{{ x }}{% endmacro %}{{ f.name }} {{ f.arguments }} {{ f.catch_varargs }} {{ f.catch_kwargs }} {{ f.caller }}",
            "f ('x',) False False False" },
        { "{% for i in [[1,[2,[3]]],4] recursive %}{% if i is iterable %}({{ loop(i) }}){% else %}{{i}}@{{loop.depth}}{{loop.depth0}}{% "
            + "endif %}{% endfor %}", "(1@21(2@32(3@43)))4@10" },
        { "{% for i in [{'n':'a','c':[{'n':'b','c':[]}]}] recursive %}<{{i.n}}{{ loop(i.c) }}>{% else %}-{% endfor %}", "<a<b->>" },
        { "{% for i in nums|map('string') %}{{i}}{{loop.last}}{{loop.length}}{{loop.revindex}};{% endfor %}",
            "3False55;1False54;2False53;3False52;-1True51;" },
        { "{% for i in nums|select('odd') %}{{loop.index}}{{loop.last}}{{loop.nextitem}}{% endfor %}", "1False12False33False-14True" },
        { "{% for i in nums %}{{ loop.cycle('a','b','c') }}{{ loop.changed(i>1) }}{% endfor %}", "aTruebTruecTrueaFalsebTrue" },
        { "{% for i in nums %}{{ loop.previtem }}-{{ loop.nextitem }},{% endfor %}", "-1,3-2,1-3,2--1,3-," },
        { "{% set g = nums|map('string') %}{{ g|list }}{{ g|list }}", "['3', '1', '2', '3', '-1'][]" },
        { "{% set g = nums|map('string') %}{% for x in g %}{{x}}{% break %}{% endfor %}{{ g|join(',') }}", "31,2,3,-1" },
        { "{% set g = nums|select('odd') %}{{ g|first }}{{ g|list }}", "3[1, 3, -1]" },
        { "{% set g = nums|map('string') %}{{ '1' in g }}{{ g|list }}", "True['2', '3', '-1']" },
        { "{% set g = nums|map('string') %}{% if g %}t{% endif %}", "t" },
        { "{% set c = cycler('a','b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}",
            "ababNonea" },
        { "{% set j = joiner('|') %}{% for i in nums %}{{ j() }}{{ i }}{% endfor %}", "3|1|2|3|-1" },
        { "{% set ns = namespace(a=1) %}{% for i in nums %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns }}",
            "9<Namespace {'a': 9}>" },
        { "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{x}}", "1" },
        { "{% set a,b = [1,2] %}{{a}}{{b}}", "12" },
        { "{% set a,b = 'xy' %}{{a}}{{b}}", "xy" },
        { "{% set (a,b),c = ((1,2),3) %}{{a}}{{b}}{{c}}", "123" },
        { "{% set x %}  a{{ 1 }} {% endset %}[{{ x }}]", "[  a1 ]" },
        { "{% set x | trim | upper %}  a {% endset %}[{{ x }}]", "[A]" },
        { "{% filter upper | replace('A','b') %}abc{{ 'x' }}{% endfilter %}", "bBCX" },
        { "{% with a=1, b=a %}{{a}}{{b}}{% endwith %}{{a}}", "1" },
        { "{% with %}{% set q=1 %}{{q}}{% endwith %}{{q}}", "1" },
        { "{% print 1+1 %}", "2" },
        { "{% generation %}x{% endgeneration %}", "x" },
        { "{% raw %}{{ x }}{% endraw %}", "{{ x }}" },
        { "{%- raw -%} a {%- endraw -%} b", "ab" },
        { "{# a #}b{#- c -#} d", "bd" },
        { "{{ '%}' }}{% if 1 %}a{% endif %}\n b", "%}a b" },
        { "  {% if 1 %}\n  x\n  {% endif %}\ny", "  x\ny" },
        { "{%+ if 1 %}x{% endif +%}\ny", "x\ny" },
        { "a\n\n  {%- if 1 %} b {%- endif %}\n c", "a b c" },
        { "{% for i in [1,2,3] if i is odd %}{{ loop.index }}{{ i }}{% else %}e{% endfor %}", "1123" },
        { "{% for i in [] if i %}{% else %}e{% endfor %}", "e" },
        { "{% for i in [1,2] %}{{ i }}{% break %}{% else %}e{% endfor %}", "1e" },
        { "{% for i in [1,2] %}{% continue %}{% else %}e{% endfor %}", "e" },
        { "{% for i in [1,2] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% else %}e{% endfor %}", "1" },
        { "{% set x = 1 %}{% filter upper %}{% set x = 2 %}a{{ x }}{% endfilter %}{{ x }}", "A21" },
        { "{% for k, v in {'a':1}.items() %}{{k}}{{v}}{% endfor %}", "a1" },
        { "{% for k in {'a':1} %}{{k}}{% endfor %}", "a" },
        { "{% for a, b in [[1,2],[3,4]] %}{{a}}{{b}}{% endfor %}", "1234" },
        { "{% for c in 'añ👋' %}{{c}}-{% endfor %}", "a-ñ-👋-" },
        { "{% for x in nope %}{% else %}e{% endfor %}", "e" },
        { "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "02" },
        { "{% for i in [1,2] %}{% for j in [3,4] %}{{ loop.index }}{{ loop.depth }}{% endfor %}{% endfor %}", "11211121" },
        { "{% macro f() %}{{ n }}{% endmacro %}{% set n = 9 %}{{ f() }}", "9" },
        { "{% for i in [1] %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}", "1" },
        { "{% if n is defined and n > 3 %}a{% elif b %}b{% else %}c{% endif %}", "a" },
        { "{% set x = 5 if b else 6 %}{{ x }}", "6" },
        { "{% set x = [1,2] + [3] %}{{ x|join('-') }}", "1-2-3" },
        { "{% set x = namespace(items=[]) %}{{ x.items }}", "[]" },
        { "{% set m = messages[0] %}{{ m.role }}{{ m['content'] }}{{ m.tool_calls is defined }}", "system Sys 👋 False" },
        { "{% for m in messages %}{{ m.role ~ ':' ~ m.content|trim }}{% if not loop.last %}|{% endif %}{% endfor %}",
            "system:Sys 👋|user:Hi|assistant:a</think>b|user:" },
        { "{% macro a(x) %}{% if x > 0 %}{{ x }}{{ a(x-1) }}{% endif %}{% endmacro %}{{ a(5) }}", "54321" },
        { "{% set x = {'a': 1} %}{% set y = dict(x, b=2) %}{{ y }}", "{'a': 1, 'b': 2}" },
        { "{% for m in messages %}{% set c = m.content %}{% if c is string %}s{% elif c is iterable %}i{% endif %}{% endfor %}", "ssss" },
        { "{%- set ns = namespace(x='') -%}{%- for m in messages -%}{%- set ns.x = ns.x ~ m.role[0] -%}{%- endfor -%}{{- ns.x -}}",
            "suau" },
        { "{{ strftime_now('%Y-%m-%d %H:%M:%S %j %U %W %V %G %g %u %w %a %A %b %B %p %I %y %C %e %k %l %h %n %t %% %D %F %T %R %r %c %x "
            + "%X %f %s %P %z %Z') }}",
            "2024-03-05 16:07:09 065 09 10 10 2024 24 2 2 Tue Tuesday Mar March PM 04 24 20  5 16  4 Mar \n \t % 03/05/24 2024-03-05 "
            + "16:07:09 16:07 04:07:09 PM Tue Mar  5 16:07:09 2024 03/05/24 16:07:09 123456 1709654829 pm  " },
        { "{{ strftime_now('%-d %-m %-H %-I %-j %_d %0e %^a %^B %#b %q %') }}", "5 3 16 4 65  5 05 TUE MARCH MAR %q %" },
    };

    public static TheoryData<string> Refused => new()
    {
        "{{ none|xmlattr }}",
        "{{ 'hello World'.rindex('b') }}",
        "{{ [1,none]|sort }}",
        "{{ nums|map('string')|length }}",
        "{{ nums|map('string')|last }}",
        "{{ 1|indent }}",
        "{{ {(1,2):3}|tojson }}",
        "{{ nope|tojson }}",
        "{{ range(3)|tojson }}",
        "{{ 1 < 'a' }}",
        "{{ none < 1 }}",
        "{{ '%c' % (-7,) }}",
        "{{ 1.5|round(method='x') }}",
        "{{ {} + {} }}",
        "{{ 1 / 0 }}",
        "{{ -'a' }}",
        "{{ '{}'.format() }}",
        "{{ '{0}{}'.format(1,2) }}",
        "{{ 'abc' % 1 }}",
        "{{ [1,'a']|max }}",
        "{% macro f(a) %}{{a}}{% endmacro %}{{ f(1,2) }}",
        "{% macro f(a) %}{{a}}{% endmacro %}{{ f(b=2) }}",
        "{% macro f() %}x{% endmacro %}{% call f() %}b{% endcall %}",
        "{% for i in [1] %}{{ loop([2]) }}{% endfor %}",
        "{% set a,b = [1] %}",
        "{% do 1 %}",
        "{% foo %}",
        "{% if %}",
        "{% endif %}",
        "{% for %}",
        "{% for x in %}",
        "{% for x %}{% endfor %}",
        "{% if 1 %}",
        "{% else %}",
        "{% set %}",
        "{% set 1 = 2 %}",
        "{% set x.y = 1 %}",
        "{% set x[0] = 1 %}",
        "{% macro %}",
        "{% macro f( %}",
        "{% call %}{% endcall %}",
        "{% call 1 %}x{% endcall %}",
        "a{# x",
        "{% for a, b in [1] %}{% endfor %}",
        "{% for x in 5 %}{% endfor %}",
        "{% for x in none %}{% endfor %}",
    };

    [Theory]
    [MemberData(nameof(Expressions))]
    public void Expression_has_the_value_that_Jinja_gives(string expression, string expected) =>
        Assert.Equal(expected, Render("{{ " + expression + " }}"));

    [Theory]
    [MemberData(nameof(Statements))]
    public void Statement_writes_what_Jinja_writes(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_Jinja_refuses_is_refused_with_its_line(string source)
    {
        InvalidInputException error = Assert.Throws<InvalidInputException>(() => Render("\n" + source));
        Assert.Matches("^chat template, line [23]: [^\\p{Cc}]+$", error.Message);
    }

    private static string Render(string source) => new ChatTemplate(source, new Clock()).Render([], variables: s_variables);

    private static Dictionary<string, object?> Map(params (string Key, object? Value)[] entries) =>
        entries.ToDictionary(entry => entry.Key, entry => entry.Value);

    private sealed class Clock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2024, 3, 5, 16, 7, 9, 123, 456, TimeSpan.Zero);
    }
}
