using Kvasir.Vision.Pictures;

namespace Kvasir.Documents.Reading;

/// <summary>How a file is read.</summary>
internal enum DocumentKind
{
    Text,
    Markdown,
    Html,
    JsonLines,
    Table,
    SourceCode,
    Word,
    Pdf,

    /// <summary>Not text: it is asked about where the model has an image encoder.</summary>
    Picture,
}

/// <summary>The kinds of documents by the names of their files.</summary>
internal static class DocumentKinds
{
    private static readonly Dictionary<string, DocumentKind> s_byExtension = ByExtension();

    private static readonly HashSet<string> s_codeNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "Dockerfile", "Containerfile", "Makefile", "GNUmakefile", "CMakeLists.txt", "Jenkinsfile", "Vagrantfile", "Rakefile", "Gemfile",
        "Procfile", "BUILD", "WORKSPACE", "meson.build",
    };

    private static readonly HashSet<string> s_textNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "README", "LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "CHANGELOG", "CONTRIBUTING", "INSTALL", "NEWS", "TODO",
    };

    /// <summary>The kind of a file by its name; null where none is known.</summary>
    public static DocumentKind? Of(string path)
    {
        string name = Path.GetFileName(path);
        return s_codeNames.Contains(name) ? DocumentKind.SourceCode
            : s_byExtension.TryGetValue(Path.GetExtension(name), out DocumentKind kind) ? kind
            : s_textNames.Contains(name) ? DocumentKind.Text
            : null;
    }

    /// <summary>Whether the file is a container that unpacks to several times its length.</summary>
    public static bool IsPacked(DocumentKind? kind) => kind is DocumentKind.Word or DocumentKind.Pdf;

    /// <summary>Whether it is read in another process: what a file of the kind costs is up to its content.</summary>
    public static bool NeedsReaderProcess(DocumentKind? kind) =>
        kind is DocumentKind.Markdown or DocumentKind.Html or DocumentKind.Table or DocumentKind.Word or DocumentKind.Pdf;

    private static Dictionary<string, DocumentKind> ByExtension()
    {
        var kinds = new Dictionary<string, DocumentKind>(StringComparer.OrdinalIgnoreCase);
        Add(DocumentKind.Text, ".txt .text .log .rst .adoc .asciidoc .org .tex .srt .vtt");
        Add(DocumentKind.Markdown, ".md .markdown .mdx");
        Add(DocumentKind.Html, ".html .htm .xhtml");
        Add(DocumentKind.JsonLines, ".jsonl .ndjson");
        Add(DocumentKind.Table, ".csv .tsv .tab");
        Add(DocumentKind.Word, ".docx .docm .dotx");
        Add(DocumentKind.Pdf, ".pdf");
        Add(DocumentKind.Picture, string.Join(' ', PictureReader.Extensions));
        Add(DocumentKind.SourceCode,
            ".c .h .cc .cpp .cxx .hh .hpp .hxx .m .mm .cu .cuh .cs .csx .fs .fsx .fsi .vb .java .kt .kts .scala .groovy .clj .cljs");
        Add(DocumentKind.SourceCode,
            ".py .pyi .rb .php .pl .pm .lua .r .jl .go .rs .swift .dart .zig .nim .hs .ml .mli .ex .exs .erl .hrl .elm .lisp .el .scm "
            + ".f90 .f95 .pas .ada .adb .ads .asm .s .v .sv .vhd .sol");
        Add(DocumentKind.SourceCode,
            ".js .jsx .mjs .cjs .ts .tsx .mts .cts .vue .svelte .css .scss .sass .less .razor .cshtml .xaml .graphql .proto .thrift");
        Add(DocumentKind.SourceCode,
            ".sh .bash .zsh .fish .ps1 .psm1 .bat .cmd .awk .sed .sql .yaml .yml .toml .ini .cfg .conf .properties .json .json5 .jsonc "
            + ".xml .xsd .xsl .xslt");
        Add(DocumentKind.SourceCode,
            ".csproj .fsproj .vbproj .props .targets .sln .slnx .gradle .cmake .mk .tf .hcl .nix .bzl .dockerfile .diff .patch");
        return kinds;

        void Add(DocumentKind kind, string extensions)
        {
            foreach (string extension in extensions.Split(' ')) kinds.Add(extension, kind);
        }
    }
}
