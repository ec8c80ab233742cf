namespace Kvasir.Documents.Tests;

/// <summary>Reads what is made to harm as users' files are read: in another process, one for all tests.</summary>
internal static class SharedReader
{
    private static readonly DocumentReader s_reader = new();

    public static string Text(string name, byte[] bytes) => Assert.Single(s_reader.Read(name, bytes)).Text;

    public static string Refused(string name, byte[] bytes) =>
        Assert.Throws<UnreadableDocumentException>(() => s_reader.Read(name, bytes)).Message;
}
