namespace Kvasir.Documents.Tests;

/// <summary>What stands in folders beside regular files with good names.</summary>
public class FoundFilesTests
{
    private static void Shell(string command, string folder)
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { WorkingDirectory = folder })!;
        process.WaitForExit();
        Skip.If(process.ExitCode != 0);
    }

    [SkippableFact]
    public void Pipes_and_links_to_them_are_reported_and_never_opened()
    {
        using var folder = new TemporaryFolder();
        Shell("mkfifo pipe.txt pipe && ln -s pipe.txt link.txt && ln -s loop.md loop.md && ln -s missing.md broken.md", folder.Path);
        FoundFiles found = FoundFiles.Under([folder.Path]);
        Assert.Equal(["pipe"], found.Skipped.Select(skipped => Path.GetFileName(skipped.Path)));
        Assert.Equal(["broken.md", "link.txt", "loop.md", "pipe.txt"], found.Files.Select(file => Path.GetFileName(file.Path)));
        foreach ((string name, string reason) in new[] { ("pipe.txt", "no regular file"), ("link.txt", "no regular file"),
            ("loop.md", "cannot be read"), ("broken.md", "cannot be read") })
        {
            Assert.Contains(reason, Assert.Throws<UnreadableDocumentException>(() => DocumentReader.Load(folder.Sub(name))).Message,
                StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public void Names_that_are_not_utf8_are_reported()
    {
        using var folder = new TemporaryFolder();
        Shell("printf 'x' > \"$(printf 'Bl\\344tter.txt')\" && mkdir \"$(printf 'Ordner\\377')\" && printf 'y' > good.txt", folder.Path);
        FoundFiles found = FoundFiles.Under([folder.Path]);
        Assert.Equal(["good.txt"], found.Files.Select(file => Path.GetFileName(file.Path)));
        Assert.All(found.Skipped, skipped => Assert.Equal("its name is not UTF-8; rename it", skipped.Reason));
        Assert.Equal(2, found.Skipped.Count);
        Shell("rm -r -- *", folder.Path);
    }

    [SkippableFact]
    public void File_behind_a_link_is_read()
    {
        using var folder = new TemporaryFolder();
        folder.File("a.txt", Encoding.UTF8.GetBytes("Text."));
        Shell("ln -s a.txt b.txt && ln -s b.txt c.txt", folder.Path);
        Assert.Equal("Text."u8.ToArray(), DocumentReader.Load(folder.Sub("c.txt")));
    }
}
