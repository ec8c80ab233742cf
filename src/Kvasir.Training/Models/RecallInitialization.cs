using Kvasir.Training.Data;

namespace Kvasir.Training.Models;

/// <summary>
/// First weights of a model that is to answer from what stands before it. Finding a token's last occurrence and going on as it went on
/// (an induction head: Olsson et al. 2022, arXiv:2209.11895) needs two layers that are of no use without each other, which is why it takes
/// long to be learned; so both halves are there from the start, roughly, as products that are close to the identity are in mimetic
/// initialisation (Trockman and Kolter 2023, arXiv:2305.09828). All of it is trained on like any other weight.
/// <list type="bullet">
/// <item>Channel 0 of the embeddings is the same for all tokens: what positions alone decide is read from it.</item>
/// <item>Layer 0, heads 0 and 1, look at the token before, head 2 at the one before that, and write what they see as it is, turned.</item>
/// <item>Later layers, heads 0 and 1, look where what was written is like the token here, and copy the token there.</item>
/// <item>Their heads 2 and 3, and head 3 of layer 0, look at tokens that are like the one here.</item>
/// </list>
/// </summary>
internal sealed class RecallInitialization
{
    private const int PreviousHeads = 3, RecallHeads = 2, LastHead = 3;

    /// <summary>
    /// The deviation of embeddings, so wide that a step does not blur which token is which; channel 0 before its norm, in deviations; the sharpness of positional and of content attention; how strongly a head
    /// writes.
    /// </summary>
    private const float Deviation = 0.1f, Constant = 3, PositionGain = 2.3f, ContentGain = 2.1f, Written = 1.5f;

    /// <summary>The most a pair of channels may turn over a context for what it holds to be found again.</summary>
    private const double MostTurn = 1.5;

    private readonly LlamaShape _shape;
    private readonly LlamaParameters _parameters;
    private readonly float[] _frequencies;
    private readonly ulong _seed;
    private ulong _stream = 1 << 20;

    private RecallInitialization(LlamaShape shape, LlamaParameters parameters, ulong seed)
    {
        (_shape, _parameters, _seed) = (shape, parameters, seed);
        _frequencies = [.. Enumerable.Range(0, shape.KeySize / 2).Select(pair => (float)Math.Pow(shape.RopeBase, -2.0 * pair / shape.KeySize))];
    }

    /// <summary>Writes over weights that were drawn by chance.</summary>
    /// <exception cref="InvalidInputException">Too few layers or heads, or keys that are not as wide as values.</exception>
    public static void Apply(LlamaShape shape, LlamaParameters parameters, ulong seed)
    {
        if (shape.Layers < 2 || shape.Heads <= LastHead || shape.Heads != shape.KvHeads || shape.KeySize != shape.ValueSize)
            throw new InvalidInputException(
                $"a model that begins with recall needs 2 layers, {LastHead + 1} heads that share nothing, and full keys");
        new RecallInitialization(shape, parameters, seed).Write();
    }

    private void Write()
    {
        float[] embedding = _parameters.Embedding.Values;
        new SeededRandom(_seed, _stream++).FillNormal(embedding, Deviation);
        for (int token = 0; token < _shape.Vocabulary; token++)
            embedding[token * _shape.Width] = Constant * Deviation;
        var seen = new float[PreviousHeads][];
        var written = new float[PreviousHeads][];
        for (int head = 0; head < PreviousHeads; head++)
        {
            (seen[head], written[head]) = (Orthonormal(), Orthonormal());
            LookBack(head, head < RecallHeads ? 1 : 2);
            SetRows(_parameters.Layers[0].Value, head, seen[head], 1);
            SetOutput(_parameters.Layers[0], head, written[head], Written * Deviation);
        }
        foreach ((int index, LayerParameters layer) in _parameters.Layers.Index())
        {
            for (int head = 0; index > 0 && head < RecallHeads; head++)
            {
                SetRows(layer.Query, head, seen[head], ContentGain, lastingOnly: true);
                SetRows(layer.Key, head, written[head], ContentGain, lastingOnly: true);
                float[] copied = Orthonormal();
                SetRows(layer.Value, head, copied, 1);
                SetOutput(layer, head, copied, Written * Deviation);
            }
            for (int head = index > 0 ? RecallHeads : LastHead; head <= LastHead; head++)
            {
                float[] alike = Orthonormal();
                SetRows(layer.Query, head, alike, ContentGain, lastingOnly: true);
                SetRows(layer.Key, head, alike, ContentGain, lastingOnly: true);
            }
        }
    }

    /// <summary>
    /// Scores that are highest <paramref name="distance"/> tokens back: queries are (1, 0) in every pair of channels, keys are turned by
    /// what the pair turns over that distance.
    /// </summary>
    private void LookBack(int head, int distance)
    {
        Clear(_parameters.Layers[0].Query, head);
        Clear(_parameters.Layers[0].Key, head);
        for (int pair = 0; pair < _frequencies.Length; pair++)
        {
            int row = head * _shape.KeySize + 2 * pair;
            float turn = distance * _frequencies[pair];
            _parameters.Layers[0].Query.Values[row * _shape.Width] = PositionGain;
            _parameters.Layers[0].Key.Values[row * _shape.Width] = PositionGain * MathF.Cos(turn);
            _parameters.Layers[0].Key.Values[(row + 1) * _shape.Width] = PositionGain * MathF.Sin(turn);
        }
    }

    private void Clear(Parameter matrix, int head) =>
        matrix.Values.AsSpan(head * _shape.KeySize * _shape.Width, _shape.KeySize * _shape.Width).Clear();

    /// <summary>A head's rows of a projection; only in pairs of channels that hardly turn, where distance must not matter.</summary>
    private void SetRows(Parameter matrix, int head, float[] rows, float scale, bool lastingOnly = false)
    {
        Clear(matrix, head);
        for (int channel = 0; channel < _shape.KeySize; channel++)
        {
            if (lastingOnly && _frequencies[channel / 2] * _shape.Context > MostTurn) continue;
            Span<float> row = matrix.Values.AsSpan((head * _shape.KeySize + channel) * _shape.Width, _shape.Width);
            for (int i = 0; i < row.Length; i++) row[i] = scale * rows[channel * _shape.Width + i];
        }
    }

    /// <summary>The head's part of the output projection: the transpose of its rows.</summary>
    private void SetOutput(LayerParameters layer, int head, float[] rows, float scale)
    {
        for (int i = 0; i < _shape.Width; i++)
            for (int channel = 0; channel < _shape.ValueSize; channel++)
                layer.Output.Values[i * _shape.OutputWidth + head * _shape.ValueSize + channel] = scale * rows[channel * _shape.Width + i];
    }

    /// <summary>Rows [head size, width] of length 1 at right angles to each other, none of which has a part in channel 0.</summary>
    private float[] Orthonormal()
    {
        int count = _shape.KeySize, width = _shape.Width;
        float[] rows = new float[count * width];
        new SeededRandom(_seed, _stream++).FillNormal(rows, 1);
        for (int i = 0; i < count; i++)
        {
            Span<float> row = rows.AsSpan(i * width, width);
            row[0] = 0;
            for (int other = 0; other < i; other++)
            {
                ReadOnlySpan<float> before = rows.AsSpan(other * width, width);
                float along = 0;
                for (int k = 0; k < width; k++) along += row[k] * before[k];
                for (int k = 0; k < width; k++) row[k] -= along * before[k];
            }
            float length = 0;
            foreach (float value in row) length += value * value;
            float scale = 1 / MathF.Sqrt(length);
            for (int k = 0; k < width; k++) row[k] *= scale;
        }
        return rows;
    }
}
