using System.Numerics.Tensors;
using Kvasir.Tokenization;
using Kvasir.Training.Data;
using Kvasir.Training.Demonstration;
using Kvasir.Training.Models;
using Kvasir.Training.Operations;

namespace Kvasir.Training.Runs;

/// <summary>The made-up documents and questions of <see cref="DemonstrationData"/>, for the model that comes with Kvasir.</summary>
internal sealed class DemonstrationSource : ScratchSource
{
    /// <summary>Examples of whose texts the vocabulary is learned.</summary>
    private const int VocabularyExamples = 20_000;

    private readonly Tokenizer _tokenizer;
    private readonly TokenBatch _batch;
    private readonly ScratchSettings _settings;

    /// <param name="settings">Sizes and steps.</param>
    /// <param name="vocabulary">The vocabulary where there is one already.</param>
    /// <param name="goesOn">Whether the model has learned to copy already.</param>
    public DemonstrationSource(ScratchSettings settings, BpeVocabulary? vocabulary = null, bool goesOn = false)
    {
        _settings = settings;
        var texts = new DemonstrationData(settings.Seed, Split.Train);
        Vocabulary = vocabulary ?? BpeTrainer.Train(
            texts.Take(VocabularyExamples).SelectMany(example => example.Passages.Append(example.Question)),
            settings.Vocabulary, [BpeVocabulary.EndOfText]);
        _tokenizer = Vocabulary.ToTokenizer();
        Data = new DemonstrationSequences(settings.Seed, _tokenizer, (long)settings.Steps * settings.Batch, goesOn);
        _batch = new TokenBatch(settings.Training().SequencesOfAPass, settings.Context);
        Identity = "demonstration " + Data.Tokens;
    }

    public override BpeVocabulary Vocabulary { get; }

    public override TrainingData Data { get; }

    public override string Identity { get; }

    public override string ChatTemplate => DemonstrationPrompt.ChatTemplate;

    /// <summary>The test's questions, each answer held against the most likely token at each of its places.</summary>
    public override Validated Validate(LlamaModel model, Crew crew)
    {
        Example[] examples = [.. new DemonstrationData(_settings.Seed, Split.Test)
            .Select(example => DemonstrationPrompt.Encode(example, _tokenizer)).Where(example => example.Tokens.Length <= _batch.Length)];
        double loss = 0;
        int right = 0, learned = examples.Sum(example => example.Learned!.Count(counts => counts));
        for (int first = 0; first < examples.Length; first += _batch.Sequences)
        {
            var wrong = new bool[_batch.Sequences];
            int count = Math.Min(_batch.Sequences, examples.Length - first);
            Fill(examples.AsSpan(first, count));
            crew.Run(worker => FindWrong(worker, model, wrong));
            crew.Run(worker => model.Learn(worker, _batch, backward: false));
            loss += model.TotalLoss(_batch);
            right += wrong.AsSpan(0, count).Count(false);
        }
        return new Validated(Math.Exp(loss / learned), (double)right / examples.Length);
    }

    private void FindWrong(Worker worker, LlamaModel model, bool[] wrong)
    {
        model.Forward(worker, _batch.Ids);
        model.Select(worker, _batch.Weights);
        for (int part = 0; part < model.HeadParts; part++)
        {
            RowRange rows = model.HeadRange(part);
            model.Project(worker, rows);
            foreach (int i in worker.Tasks(rows.Count))
            {
                int row = model.SelectedRow(rows.First + i);
                if (TensorPrimitives.IndexOfMax<float>(model.Logits(i)) != _batch.Targets[row])
                    wrong[row / _batch.Length] = true;
            }
            worker.Meet();
        }
    }

    private void Fill(ReadOnlySpan<Example> examples)
    {
        for (int row = 0; row < _batch.Sequences; row++)
        {
            var range = new RowRange(row, 1);
            Example example = row < examples.Length ? examples[row] : new Example([0, 0], [false, false]);
            example.Fill(
                range.Of(_batch.Ids, _batch.Length), range.Of(_batch.Targets, _batch.Length), range.Of(_batch.Weights, _batch.Length));
        }
    }
}
