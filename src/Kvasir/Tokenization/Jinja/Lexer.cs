namespace Kvasir.Tokenization.Jinja;

/// <summary>
/// Cuts a template into literal text and tags, with the white-space rules that chat templates are written for:
/// the newline after a block tag goes (trim_blocks), and so does the indentation before one (lstrip_blocks);
/// a minus at a border strips all white space there, a plus keeps it.
/// </summary>
internal sealed class Lexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _position;
    private int _line = 1;

    private Lexer(string source) => _source = source;

    /// <summary>The tokens of a template, ending with <see cref="TokenKind.End"/>.</summary>
    public static IReadOnlyList<Token> Read(string source)
    {
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var lexer = new Lexer(text.EndsWith('\n') ? text[..^1] : text);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        for (int tag = FindTag(); tag >= 0; tag = FindTag())
        {
            char kind = _source[tag + 1];
            int content = tag + 2;
            char sign = content < _source.Length && _source[content] is '-' or '+' ? _source[content++] : ' ';
            AddData(tag, sign, isBlock: kind != '{');
            MoveTo(content);
            if (kind == '#') SkipComment();
            else if (kind == '%' && TrySkipWordAndEnd("raw", trimsNewline: false)) ReadRaw();
            else ReadTag(isBlock: kind == '%');
        }

        AddData(_source.Length, '+', isBlock: false);
        _tokens.Add(new Token(TokenKind.End, "", _line));
    }

    private int FindTag()
    {
        for (int at = _source.IndexOf('{', _position); at >= 0 && at + 1 < _source.Length; at = _source.IndexOf('{', at + 1))
        {
            if (_source[at + 1] is '%' or '{' or '#') return at;
        }

        return -1;
    }

    private void AddData(int end, char sign, bool isBlock)
    {
        ReadOnlySpan<char> text = _source.AsSpan(_position, end - _position);
        if (sign == '-') text = PythonText.TrimEnd(text);
        else if (sign == ' ' && isBlock)
        {
            int lineStart = text.LastIndexOf('\n') + 1;
            bool startsLine = lineStart > 0 || _position == 0 || _source[_position - 1] == '\n';
            if (startsLine && PythonText.TrimEnd(text[lineStart..]).IsEmpty) text = text[..lineStart];
        }

        if (!text.IsEmpty) _tokens.Add(new Token(TokenKind.Data, text.ToString(), _line));
        MoveTo(end);
    }

    private void MoveTo(int position)
    {
        _line += _source.AsSpan(_position, position - _position).Count('\n');
        _position = position;
    }

    private void SkipComment()
    {
        int end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0) throw Fail("a comment {# is never closed with #}");
        char sign = end > _position ? _source[end - 1] : ' ';
        MoveTo(end + 2);
        SkipAfterTag(sign, trimsNewline: true);
    }

    private void ReadRaw()
    {
        for (int at = Tag(_position); at >= 0; at = Tag(at + 2))
        {
            int content = at + 2;
            char sign = content < _source.Length && _source[content] is '-' or '+' ? _source[content++] : ' ';
            if (IsWord("endraw", content))
            {
                AddData(at, sign, isBlock: true);
                MoveTo(content);
                if (!TrySkipWordAndEnd("endraw", trimsNewline: true)) throw Fail("the tag endraw takes nothing else");
                return;
            }
        }

        throw Fail("a raw block is never closed with endraw");

        int Tag(int from) => _source.IndexOf("{%", from, StringComparison.Ordinal);
    }

    private bool IsWord(string word, int at)
    {
        at = SkipSpaces(at);
        return string.CompareOrdinal(_source, at, word, 0, word.Length) == 0
            && (at + word.Length == _source.Length || !IsNamePart(_source[at + word.Length]));
    }

    private bool TrySkipWordAndEnd(string word, bool trimsNewline)
    {
        if (!IsWord(word, _position)) return false;
        int at = SkipSpaces(SkipSpaces(_position) + word.Length);
        char sign = at < _source.Length && _source[at] is '-' or '+' ? _source[at++] : ' ';
        if (string.CompareOrdinal(_source, at, "%}", 0, 2) != 0) return false;
        MoveTo(at + 2);
        SkipAfterTag(sign, trimsNewline);
        return true;
    }

    private int SkipSpaces(int at)
    {
        while (at < _source.Length && PythonText.IsSpace(_source[at])) at++;
        return at;
    }

    private void SkipAfterTag(char sign, bool trimsNewline)
    {
        if (sign == '-') MoveTo(SkipSpaces(_position));
        else if (sign != '+' && trimsNewline && _position < _source.Length && _source[_position] == '\n') MoveTo(_position + 1);
    }

    private void ReadTag(bool isBlock)
    {
        _tokens.Add(new Token(isBlock ? TokenKind.BlockBegin : TokenKind.PrintBegin, isBlock ? "{%" : "{{", _line));
        var open = new Stack<char>();
        while (true)
        {
            MoveTo(SkipSpaces(_position));
            if (_position == _source.Length) throw Fail(isBlock ? "a tag {% is never closed with %}" : "a tag {{ is never closed with }}");
            if (open.Count == 0 && TryEndTag(isBlock)) return;
            ReadWord(open);
        }
    }

    private bool TryEndTag(bool isBlock)
    {
        int at = _position;
        char sign = _source[at] == '-' || (isBlock && _source[at] == '+') ? _source[at++] : ' ';
        string end = isBlock ? "%}" : "}}";
        if (string.CompareOrdinal(_source, at, end, 0, 2) != 0) return false;
        _tokens.Add(new Token(isBlock ? TokenKind.BlockEnd : TokenKind.PrintEnd, end, _line));
        MoveTo(at + 2);
        SkipAfterTag(sign, trimsNewline: isBlock);
        return true;
    }

    private void ReadWord(Stack<char> open)
    {
        char first = _source[_position];
        if (first is '\'' or '"') ReadString(first);
        else if (char.IsAsciiDigit(first))
        {
            bool afterDot = _tokens[^1] is { Kind: TokenKind.Operator, Text: "." };
            int end = NumberLiteral.End(_source, _position, integerOnly: afterDot, out bool isFloat);
            Add(isFloat ? TokenKind.Float : TokenKind.Integer, end);
        }
        else if (char.IsLetter(first) || first == '_')
        {
            int end = _position + 1;
            while (end < _source.Length && IsNamePart(_source[end])) end++;
            Add(TokenKind.Name, end);
        }
        else ReadOperator(open);
    }

    private void ReadOperator(Stack<char> open)
    {
        char first = _source[_position];
        string two = _position + 1 < _source.Length ? _source.Substring(_position, 2) : "";
        if (two is "==" or "!=" or ">=" or "<=" or "//" or "**")
        {
            Add(TokenKind.Operator, _position + 2);
            return;
        }

        if (!"+-*/%~<>=.:|,()[]{}".Contains(first, StringComparison.Ordinal)) throw Fail($"unexpected character '{first}' in a tag");
        if (first is '(' or '[' or '{') open.Push(first == '(' ? ')' : (char)(first + 2));
        else if (first is ')' or ']' or '}' && (!open.TryPop(out char expected) || expected != first)) throw Fail($"unexpected '{first}'");
        Add(TokenKind.Operator, _position + 1);
    }

    private void ReadString(char quote)
    {
        int end = _position + 1;
        while (end < _source.Length && _source[end] != quote) end += _source[end] == '\\' ? 2 : 1;
        if (end >= _source.Length) throw Fail("a string is never closed");
        string text = StringLiteral.Unescape(_source.AsSpan(_position + 1, end - _position - 1), _line);
        _tokens.Add(new Token(TokenKind.Text, text, _line));
        MoveTo(end + 1);
    }

    private void Add(TokenKind kind, int end)
    {
        _tokens.Add(new Token(kind, _source[_position..end], _line));
        MoveTo(end);
    }

    private static bool IsNamePart(char c) => char.IsLetterOrDigit(c) || c == '_';

    private InvalidInputException Fail(string problem) => TemplateError.At(_line, problem);
}
