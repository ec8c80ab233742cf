namespace Kvasir.Cli.Output;

/// <summary>Shows how far an export or import is.</summary>
internal sealed class TransferBar(ProgressLine line) : IProgress<TransferProgress>
{
    public void Report(TransferProgress value) => line.Report(value.Bytes, value.TotalBytes, Units.Bytes(value.Bytes));
}
