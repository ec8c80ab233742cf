using Xunit;
using Xunit.Abstractions;

namespace Kvasir.OwnRuntime;

/// <summary>Takes what xunit tells; its end can be waited for.</summary>
internal class MessageSink : LongLivedMarshalByRefObject, IMessageSink
{
    private readonly TaskCompletionSource _end = new();

    public bool OnMessage(IMessageSinkMessage message)
    {
        Take(message);
        if (message is IDiscoveryCompleteMessage or ITestAssemblyFinished) _end.TrySetResult();
        return true;
    }

    public void Wait() => _end.Task.Wait();

    protected virtual void Take(IMessageSinkMessage message)
    {
    }
}

/// <summary>The tests that there are.</summary>
internal sealed class Discovery : MessageSink
{
    public List<ITestCase> Cases { get; } = [];

    protected override void Take(IMessageSinkMessage message)
    {
        if (message is ITestCaseDiscoveryMessage found) Cases.Add(found.TestCase);
    }
}

/// <summary>What came of those that ran.</summary>
internal sealed class TestRun : MessageSink
{
    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    protected override void Take(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestPassed: Passed++; break;
            case ITestSkipped: Skipped++; break;
            case ITestFailed failed: Fail(failed.Test.DisplayName, failed); break;
            case IErrorMessage error: Fail("outside of a test", error); break;
        }
    }

    private void Fail(string name, IFailureInformation why)
    {
        Failed++;
        Console.WriteLine($"FAILED: {name}: {string.Join(" ", why.Messages)}");
    }
}
