using System.Numerics;

namespace Kvasir.Documents.Reading.Pdf;

/// <summary>Follows the operators of content streams as far as text goes (ISO 32000-1, 9.4), and gives each character shown to a page.</summary>
internal sealed class PdfContent(PdfFile file)
{
    private const int DeepestForm = 10;
    private const int DeepestSave = 1000;
    private const int MostOperands = 1000;
    private const int MostForms = 200_000;

    private readonly Dictionary<int, PdfFont> _fonts = [];
    private readonly HashSet<int> _drawing = [];
    private readonly Stack<State> _saved = new();
    private PdfPageText _page = new();
    private State _state = new();
    private Matrix3x2 _text = Matrix3x2.Identity, _line = Matrix3x2.Identity;
    private int _forms;

    /// <summary>Runs the content of a page.</summary>
    /// <param name="content">The content stream, unpacked.</param>
    /// <param name="resources">The resources that its names refer to.</param>
    public PdfPageText Run(byte[] content, PdfDictionary? resources)
    {
        (_page, _state) = (new PdfPageText(), new State());
        _saved.Clear();
        Run(content, resources, 0);
        return _page;
    }

    private void Run(byte[] content, PdfDictionary? resources, int depth)
    {
        var lexer = new PdfLexer(content, 0, references: false);
        var operands = new List<object?>();
        while (lexer.TryRead(out object? value))
        {
            if (value is not PdfKeyword keyword)
            {
                if (operands.Count < MostOperands)
                {
                    operands.Add(value);
                }

                continue;
            }

            switch (keyword.Text)
            {
                case "BI":
                    SkipImage(content, lexer);
                    break;
                case "Do" when operands is [PdfName name, ..] && depth < DeepestForm:
                    RunForm(name.Text, resources, depth);
                    break;
                default:
                    Apply(keyword.Text, operands, resources);
                    break;
            }

            operands.Clear();
        }
    }

    private void Apply(string name, List<object?> operands, PdfDictionary? resources)
    {
        switch (name)
        {
            case "q" when _saved.Count < DeepestSave:
                _saved.Push(_state);
                break;
            case "Q" when _saved.TryPop(out State? saved):
                _state = saved;
                break;
            case "cm" when MatrixOf(operands) is { } matrix:
                _state = _state with { Page = matrix * _state.Page };
                break;
            case "BT":
                _text = _line = Matrix3x2.Identity;
                break;
            case "Tf" when operands is [PdfName font, double size, ..]:
                _state = _state with { Font = Font(font.Text, resources), Size = (float)size };
                break;
            case "Tc" when operands is [double value, ..]:
                _state = _state with { CharacterSpace = (float)value };
                break;
            case "Tw" when operands is [double value, ..]:
                _state = _state with { WordSpace = (float)value };
                break;
            case "Tz" when operands is [double value, ..]:
                _state = _state with { Scale = (float)value / 100 };
                break;
            case "TL" when operands is [double value, ..]:
                _state = _state with { Leading = (float)value };
                break;
            case "Ts" when operands is [double value, ..]:
                _state = _state with { Rise = (float)value };
                break;
            case "Tm" when MatrixOf(operands) is { } matrix:
                _text = _line = matrix;
                break;
            case "Td" when operands is [double x, double y, ..]:
                MoveLine((float)x, (float)y);
                break;
            case "TD" when operands is [double x, double y, ..]:
                _state = _state with { Leading = -(float)y };
                MoveLine((float)x, (float)y);
                break;
            case "T*":
                MoveLine(0, -_state.Leading);
                break;
            case "Tj" when operands is [byte[] text, ..]:
                Show(text);
                break;
            case "'" when operands is [byte[] text, ..]:
                MoveLine(0, -_state.Leading);
                Show(text);
                break;
            case "\"" when operands is [double word, double character, byte[] text, ..]:
                _state = _state with { WordSpace = (float)word, CharacterSpace = (float)character };
                MoveLine(0, -_state.Leading);
                Show(text);
                break;
            case "TJ" when operands is [List<object?> parts, ..]:
                ShowParts(parts);
                break;
        }
    }

    private void ShowParts(List<object?> parts)
    {
        foreach (object? part in parts)
        {
            if (part is byte[] text)
            {
                Show(text);
            }
            else if (part is double adjustment)
            {
                Advance(-(float)adjustment / 1000 * _state.Size * _state.Scale);
            }
        }
    }

    private void Show(byte[] text)
    {
        if (_state.Font is null)
        {
            return;
        }

        foreach (PdfGlyph glyph in _state.Font.Decode(text))
        {
            Matrix3x2 place = _text * _state.Page;
            Vector2 from = Vector2.Transform(new Vector2(0, _state.Rise), place);
            Vector2 along = Vector2.TransformNormal(Vector2.UnitX, place);
            float size = Math.Abs(_state.Size) * Vector2.TransformNormal(Vector2.UnitY, place).Length();
            Advance((glyph.Width * _state.Size + _state.CharacterSpace + (glyph.IsSpace ? _state.WordSpace : 0)) * _state.Scale);
            Vector2 to = Vector2.Transform(new Vector2(0, _state.Rise), _text * _state.Page);
            float length = along.Length();
            if (float.IsFinite(length) && length > 0 && float.IsFinite(from.X + from.Y + to.X + to.Y) && float.IsFinite(size))
            {
                _page.Add(glyph.Text, from, to, along / length, size);
            }
        }
    }

    private void Advance(float distance) => _text = Matrix3x2.CreateTranslation(distance, 0) * _text;

    private void MoveLine(float x, float y) => _text = _line = Matrix3x2.CreateTranslation(x, y) * _line;

    private PdfFont? Font(string name, PdfDictionary? resources)
    {
        object? entry = file.Dictionary(resources?["Font"])?[name];
        if (entry is PdfReference reference && _fonts.TryGetValue(reference.Number, out PdfFont? known))
        {
            return known;
        }

        if (file.Dictionary(entry) is not { } dictionary)
        {
            return null;
        }

        var font = new PdfFont(file, dictionary);
        if (entry is PdfReference indirect)
        {
            _fonts[indirect.Number] = font;
        }

        return font;
    }

    private void RunForm(string name, PdfDictionary? resources, int depth)
    {
        object? entry = file.Dictionary(resources?["XObject"])?[name];
        if (entry is not PdfReference reference || file.Resolve(entry) is not PdfStream form || file.Name(form.Dictionary["Subtype"]) != "Form" || !_drawing.Add(reference.Number))
        {
            return;
        }

        if (++_forms > MostForms)
        {
            throw new UnreadableDocumentException("a PDF file that draws unreasonably many forms");
        }

        (State state, int saved) = (_state, _saved.Count);
        if (MatrixOf(file.Array(form.Dictionary["Matrix"])) is { } matrix)
        {
            _state = _state with { Page = matrix * _state.Page };
        }

        Run(file.Unpack(form), file.Dictionary(form.Dictionary["Resources"]) ?? resources, depth + 1);
        _drawing.Remove(reference.Number);
        _state = state;
        while (_saved.Count > saved)
        {
            _saved.Pop();
        }
    }

    /// <summary>Passes over an inline image: its bytes end at "EI" between white space.</summary>
    private static void SkipImage(byte[] content, PdfLexer lexer)
    {
        int data = content.AsSpan(lexer.Position).IndexOf("ID"u8);
        int at = data < 0 ? content.Length : lexer.Position + data + 2;
        while (at < content.Length)
        {
            int end = content.AsSpan(at).IndexOf("EI"u8);
            if (end < 0)
            {
                break;
            }

            at += end + 2;
            if (PdfLexer.IsSpace(content[at - 3]) && (at == content.Length || PdfLexer.IsSpace(content[at])))
            {
                lexer.Position = at;
                return;
            }
        }

        lexer.Position = content.Length;
    }

    private static Matrix3x2? MatrixOf(List<object?> operands) => operands is [double a, double b, double c, double d, double e, double f, ..]
        ? new Matrix3x2((float)a, (float)b, (float)c, (float)d, (float)e, (float)f) : null;

    private sealed record State
    {
        public Matrix3x2 Page { get; init; } = Matrix3x2.Identity;

        public PdfFont? Font { get; init; }

        public float Size { get; init; } = 1;

        public float CharacterSpace { get; init; }

        public float WordSpace { get; init; }

        public float Scale { get; init; } = 1;

        public float Leading { get; init; }

        public float Rise { get; init; }
    }
}
