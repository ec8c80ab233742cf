using Xunit;
using Xunit.Abstractions;

namespace Kvasir.OwnRuntime;

/// <summary>No two tests at a time, and all else as xunit has it: an emulator is slow enough.</summary>
internal sealed class OneByOne : LongLivedMarshalByRefObject, ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
{
    private readonly Dictionary<string, object?> _values = new() { ["xunit.execution.DisableParallelization"] = true };

    public TValue GetValue<TValue>(string name) => _values.GetValueOrDefault(name) is TValue value ? value : default!;

    public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
}
