using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Kvasir.Documents;
using Kvasir.Models;
using Kvasir.Server.Requests;

namespace Kvasir.Server.Collections;

/// <summary>
/// The collections of documents: each is a store in a folder of its own under the server's, with the uploaded files beside them. Names come
/// from requests, so they are words that cannot lead anywhere else.
/// </summary>
internal sealed partial class DocumentCollections(Model model, Model? encoder, ServerOptions options) : IDisposable
{
    /// <summary>Where uploaded files lie; no collection can be called so.</summary>
    private const string Uploads = ".uploads";

    private const int MostCollections = 100;

    private readonly ConcurrentDictionary<string, DocumentCollection> _open = new(StringComparer.Ordinal);

    /// <summary>The folder, or null where the server has no documents.</summary>
    public string? Folder { get; } = options.DocumentsFolder is { } folder ? Checked(Path.GetFullPath(folder)) : null;

    public IEnumerable<string> Names() => Folder is null || !Directory.Exists(Folder) ? []
        : Directory.EnumerateDirectories(Folder).Select(path => Path.GetFileName(path)).Where(name => Name().IsMatch(name))
            .Order(StringComparer.Ordinal);

    /// <summary>A collection that there is.</summary>
    /// <exception cref="RequestException">There is none of this name.</exception>
    public DocumentCollection Get(string name) => Names().Contains(name) ? Open(name)
        : throw RequestException.NotFound($"there is no collection {Shown(name)}", "collection_not_found");

    /// <summary>A collection, made where it is new.</summary>
    /// <exception cref="RequestException">It cannot be called so, there are too many, or the server has no documents.</exception>
    public DocumentCollection GetOrAdd(string name)
    {
        if (Folder is null) throw RequestException.Bad("this server has no documents; start it with a folder for them");
        if (!Name().IsMatch(name))
            throw RequestException.Bad($"{Shown(name)}: a collection's name is 1 to 64 of a-z, 0-9, _ and -", "name");
        if (!Names().Contains(name) && Names().Count() >= MostCollections)
            throw RequestException.Bad($"there are {MostCollections} collections already");
        return Open(name);
    }

    public void Dispose()
    {
        foreach (DocumentCollection collection in _open.Values) collection.Dispose();
    }

    private DocumentCollection Open(string name)
    {
        lock (_open)
            return _open.GetOrAdd(name, _ =>
            {
                string store = Path.Combine(Folder!, name), uploads = Path.Combine(Folder!, Uploads, name);
                DocumentCollection.CleanUploads(uploads);
                DocumentLibrary library = DocumentLibrary.Open(store, model, encoder);
                return new DocumentCollection(name, library, uploads, options);
            });
    }

    /// <exception cref="InvalidInputException">It is a file.</exception>
    private static string Checked(string folder) =>
        File.Exists(folder) ? throw new InvalidInputException($"{folder}: a file, not a folder for collections of documents") : folder;

    private static string Shown(string name) => name.Length <= 64 ? name : name[..64] + "…";

    [GeneratedRegex("^[a-z0-9_-]{1,64}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Name();
}
