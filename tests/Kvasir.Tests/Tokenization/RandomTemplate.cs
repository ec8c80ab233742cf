namespace Kvasir.Tests.Tokenization;

/// <summary>
/// Templates that a fuzzer would write: every filter, test, method and statement with fitting and unfitting values, small and huge.
/// </summary>
internal static class RandomTemplate
{
    private static readonly string[] s_values =
    [
        "none", "true", "nope", "0", "7", "-3", "2.5", "1e300", "10 ** 400", "''", "'ab c'", "'%s %d'", "'{} {0}'", "'ß👋'", "s", "x", "[]",
            "[3, 1, 2]", "(1, 'a')", "{'a': 1, 'b': [2]}", "range(9)",
        "nums|map('string')", "messages", "loop", "cycler(1, 2)", "namespace(a=1)", "m", "9223372036854775807", "-0.0", "dict", "m(1)",
            "caller", "'<a b=\"c\">&amp; d</a>'", "'a-b c\n\td'",
    ];

    private static readonly string[] s_hugeValues =
    [
        "'a' * 3000000", "'ab ' * 500000", "[1] * 500000", "range(99999)", "'a' * 900000 ~ 'b'", "('x' * 200000)|list", "'<a>&' * 400000",
            "'a-b ' * 99999", "'\n' * 500000", "'ß' * 400000", "10 ** 20000",
    ];

    private static readonly string[] s_filters =
        ("abs attr batch capitalize center count default dictsort escape filesizeformat first float format groupby indent int items join "
            + "last length list lower map max min pprint random reject rejectattr "
        + "replace reverse round safe select selectattr slice sort string striptags sum title tojson trim truncate unique upper urlencode "
            + "wordcount wordwrap xmlattr nosuch").Split(' ');

    private static readonly string[] s_tests =
        ("boolean callable defined divisibleby eq escaped even false filter float ge gt in integer iterable le lower lt mapping ne none "
            + "number odd sameas sequence string test true undefined upper nosuch").Split(' ');

    private static readonly string[] s_methods =
        ("capitalize casefold center count endswith expandtabs find format format_map index isalnum isalpha isascii isdecimal isdigit "
            + "isidentifier islower isnumeric isprintable isspace istitle isupper join ljust "
        + "lower lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines "
            + "startswith strip swapcase title translate upper zfill items keys values get copy append nosuch next cycle").Split(' ');

    private static readonly string[] s_operators =
        ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"];

    private static readonly string[] s_names =
        ["attribute='a'", "default=1", "indent=2", "reverse=true", "case_sensitive=true", "*x", "**{'a': 1}", "'upper'", "'a'", "'odd'",
            "sort_keys=true"];

    public static string Next(Random random)
    {
        string text = $"{{% set x = {Expression(random, 2)} %}}";
        for (int i = random.Next(1, 4); i > 0; i--) text += Statement(random, 2);
        return text;
    }

    private static string Statement(Random random, int depth) => random.Next(depth > 0 ? 11 : 3) switch
    {
        3 => $"{{% for i in {Expression(random, 1)} %}}{{{{ "
            + $"loop.{Pick(random, ["index", "last", "length", "changed(i)", "cycle(1, 2)", "nextitem"])} "
            + $"}}}}{Statement(random, depth - 1)}{{% endfor %}}",
        4 => $"{{% if {Expression(random, 2)} %}}{Statement(random, depth - 1)}{{% else %}}{Statement(random, depth - 1)}{{% endif %}}",
        5 => $"{{% set x = {Expression(random, 2)} %}}{Statement(random, depth - 1)}",
        6 => $"{{% macro m(a, b=1) %}}{Statement(random, depth - 1)}{{{{ varargs }}}}{{% endmacro %}}{{{{ m({Expression(random, 1)}) }}}}",
        7 => $"{{% call({Pick(random, ["", "q", "q, r=2"])}) m({Expression(random, 1)}) %}}{Statement(random, depth - 1)}{{% endcall %}}",
        8 => $"{{% filter {Pick(random, s_filters)} %}}{Statement(random, depth - 1)}{{% endfilter %}}",
        9 => $"{{% for i in {Expression(random, 1)} recursive %}}{{{{ loop({Expression(random, 1)}) }}}}{{% endfor %}}",
        10 => $"{{% for i in range(300) %}}{{% set ns.x = {Expression(random, 1)} %}}{{{{ {Expression(random, 1)} }}}}{{% endfor %}}",
        _ => $"{{{{ {Expression(random, 3)} }}}}",
    };

    private static string Expression(Random random, int depth) => random.Next(depth > 0 ? 10 : 2) switch
    {
        2 or 3 => $"({Expression(random, depth - 1)})|{Pick(random, s_filters)}{Arguments(random, depth - 1)}",
        4 or 5 => $"({Expression(random, depth - 1)}).{Pick(random, s_methods)}{Arguments(random, depth - 1)}",
        6 => $"({Expression(random, depth - 1)}) {Pick(random, s_operators)} ({Expression(random, depth - 1)})",
        7 => $"({Expression(random, depth - 1)}) is {Pick(random, s_tests)}{(random.Next(2) == 0 ? Arguments(random, 0) : "")}",
        8 => $"({Expression(random, depth - 1)})[{Pick(random, ["0", "-1", "::-1", "1:", ":99999999", "::2", "'a'"])}]",
        9 => $"[{Expression(random, depth - 1)}, {Expression(random, depth - 1)}]",
        _ => Pick(random, random.Next(25) == 0 ? s_hugeValues : s_values),
    };

    private static string Arguments(Random random, int depth) =>
        "(" + string.Join(", ", Enumerable.Range(0, random.Next(3))
            .Select(_ => random.Next(4) == 0 ? Pick(random, s_names) : Expression(random, depth))) + ")";

    private static string Pick(Random random, string[] from) => from[random.Next(from.Length)];
}
