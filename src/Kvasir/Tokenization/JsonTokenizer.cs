namespace Kvasir.Tokenization;
internal static class JsonTokenizer { public static Tokenizer Load(string path) => throw new InvalidInputException(path); }
