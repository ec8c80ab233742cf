namespace Kvasir.Cli.Measuring;

/// <summary>
/// How long it takes until the first token of an answer to a question of <c>Question</c> tokens about a context of <c>Tokens</c>, in
/// seconds of <c>Repeat</c> runs, of which the median counts: <c>recompute</c> runs everything through the model, <c>warm</c> and
/// <c>cold</c> map stored KV that the system has in memory or has not. <c>CpuSeconds</c> are of the whole process, <c>Speedup</c> is
/// against recomputing; <c>LoadSeconds</c>, <c>LoadedBytes</c> and <c>AllocatedBytes</c> (managed memory) are of opening and placing the
/// files.
/// </summary>
internal sealed record StoredRow(string Test, int Tokens, int Question, string Kv, string Repair, double Seconds, double Min, double Max,
    double CpuSeconds, double Speedup, double LoadSeconds, long LoadedBytes, long AllocatedBytes, int Repeat);
