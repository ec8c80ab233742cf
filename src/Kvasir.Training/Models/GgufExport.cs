using Kvasir.Formats;
using Kvasir.Quantization;
using Kvasir.Training.Data;

namespace Kvasir.Training.Models;

/// <summary>Writes a trained model as a GGUF file of a llama model; other engines read it too where keys are full.</summary>
internal static class GgufExport
{
    /// <param name="path">The file.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="parameters">Weights.</param>
    /// <param name="vocabulary">The tokenizer.</param>
    /// <param name="type">Of matrices whose rows are whole blocks of it; the others are float16, vectors float32.</param>
    /// <param name="chatTemplate">How a conversation is written for it; null for none.</param>
    public static void Write(
        string path, LlamaShape shape, LlamaParameters parameters, BpeVocabulary vocabulary, TensorType type, string? chatTemplate = null)
    {
        var file = new GgufWriter();
        AddMetadata(file, Path.GetFileNameWithoutExtension(path), shape, type);
        vocabulary.AddTo(file);
        if (chatTemplate is not null) file.Add("tokenizer.chat_template", chatTemplate);
        foreach (Parameter parameter in parameters.All)
        {
            long[] dimensions = parameter.IsVector ? [parameter.Columns] : [parameter.Rows, parameter.Columns];
            bool wholeBlocks = parameter.Columns % GgmlBlocks.BlockLength(type) == 0;
            TensorType own = parameter.IsVector ? TensorType.F32 : wholeBlocks ? type : TensorType.F16;
            file.AddTensor(parameter.Name, own, dimensions, stream => Write(stream, parameter, own));
        }
        file.Write(path);
    }

    private static void AddMetadata(GgufWriter file, string name, LlamaShape shape, TensorType type)
    {
        file.Add("general.architecture", "llama");
        file.Add("general.name", name);
        file.Add("general.file_type", type switch { TensorType.F32 => 0u, TensorType.F16 => 1u, _ => 7u });
        (string Key, int Value)[] sizes =
        [
            ("vocab_size", shape.Vocabulary), ("context_length", shape.Context), ("embedding_length", shape.Width),
            ("block_count", shape.Layers), ("feed_forward_length", shape.FeedForward), ("attention.head_count", shape.Heads),
            ("attention.head_count_kv", shape.KvHeads), ("attention.key_length", shape.KeySize),
            ("attention.value_length", shape.ValueSize), ("rope.dimension_count", shape.KeySize),
        ];
        foreach ((string key, int value) in sizes) file.Add("llama." + key, (uint)value);
        file.Add("llama.rope.freq_base", (float)shape.RopeBase);
        file.Add("llama.attention.layer_norm_rms_epsilon", shape.Epsilon);
    }

    private static void Write(Stream stream, Parameter parameter, TensorType type)
    {
        byte[] bytes = new byte[GgmlBlocks.ByteLength(type, parameter.Columns)];
        for (int at = 0; at < parameter.Values.Length; at += parameter.Columns)
        {
            BlockWriter.Quantize(type, parameter.Values.AsSpan(at, parameter.Columns), bytes);
            stream.Write(bytes);
        }
    }
}
