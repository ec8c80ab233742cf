namespace Kvasir.Tokenization;

/// <summary>Takes the pieces of a text in order.</summary>
internal interface IPieceSink
{
    void Add(ReadOnlySpan<char> piece);
}

/// <summary>Cuts a text into pieces; merges never cross the border of a piece. Immutable.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Gives every piece of <paramref name="text"/>, none of them empty, to <paramref name="sink"/>.</summary>
    public abstract void Split(ReadOnlySpan<char> text, IPieceSink sink);

    /// <summary>Pre-tokenizers one after another, each cutting the pieces of the one before.</summary>
    public static PreTokenizer Sequence(params PreTokenizer[] stages) => stages.Length == 1 ? stages[0] : new Stages(stages);

    /// <summary>Writes pieces in GPT-2's alphabet, for stages after ByteLevel: these see bytes and may cut characters.</summary>
    public static PreTokenizer ToBytes { get; } = new ByteAlphabet();

    /// <summary>Puts a space before each piece that does not begin with one.</summary>
    public static PreTokenizer WithSpace { get; } = new SpacePrefixer();

    private sealed class SpacePrefixer : PreTokenizer
    {
        public override void Split(ReadOnlySpan<char> text, IPieceSink sink) => sink.Add(text[0] == ' ' ? text : string.Concat(" ", text));
    }

    private sealed class ByteAlphabet : PreTokenizer
    {
        public override void Split(ReadOnlySpan<char> text, IPieceSink sink) => sink.Add(TokenSpellings.ByteLevel(text));
    }

    private sealed class Stages(PreTokenizer[] stages) : PreTokenizer
    {
        public override void Split(ReadOnlySpan<char> text, IPieceSink sink)
        {
            if (stages.Length == 0)
            {
                sink.Add(text);
                return;
            }
            for (int i = stages.Length - 1; i > 0; i--) sink = new StageSink(stages[i], sink);
            stages[0].Split(text, sink);
        }
    }

    private sealed class StageSink(PreTokenizer stage, IPieceSink next) : IPieceSink
    {
        public void Add(ReadOnlySpan<char> piece) => stage.Split(piece, next);
    }
}
