// Asks a folder of documents a question. What is computed of the documents stays in "example-store" for the next question.
using Kvasir;
using Kvasir.Demo;
using Kvasir.Documents;
using Kvasir.Documents.Asking;
using Kvasir.Models;

if (args is not [var folder, var question, ..])
{
    Console.Error.WriteLine("give a folder of documents, a question, and if you like the GGUF files of a model and of a sentence encoder");
    return 2;
}

try
{
    using Model model = Model.Load(args.ElementAtOrDefault(2) ?? DemonstrationModel.Path);
    using Model? encoder = args.Length > 3 ? Model.Load(args[3]) : null;
    using var library = DocumentLibrary.Open("example-store", model, encoder);
    library.Ingest([folder]);

    Answer answer = library.Ask(question, new AskOptions { MaxTokens = 64 });
    foreach (string piece in answer) Console.Write(piece);
    Console.WriteLine();
    foreach (Passage source in answer.Sources) Console.WriteLine($"  from {source.File}: {source.Title}");
    return 0;
}
catch (InvalidInputException error)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}
