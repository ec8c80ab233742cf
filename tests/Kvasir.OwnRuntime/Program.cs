using System.Reflection;
using Kvasir.OwnRuntime;
using Xunit.Abstractions;
using Xunit.Sdk;

// Runs the tests of Kvasir.Tests whose names hold one of the arguments (all of them without any), where no SDK can: under an emulator.
var assembly = Assembly.Load("Kvasir.Tests");
using var framework = new XunitTestFramework(new MessageSink());

var discovery = new Discovery();
using ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(new ReflectionAssemblyInfo(assembly));
discoverer.Find(includeSourceInformation: false, discovery, new OneByOne());
discovery.Wait();
ITestCase[] cases = [.. discovery.Cases.Where(test =>
    args.Length == 0 || Array.Exists(args, part => test.DisplayName.Contains(part, StringComparison.Ordinal)))];

var run = new TestRun();
using ITestFrameworkExecutor executor = framework.GetExecutor(assembly.GetName());
executor.RunTests(cases, run, new OneByOne());
run.Wait();
Console.WriteLine($"{run.Passed} passed, {run.Failed} failed, {run.Skipped} skipped");
return run.Failed == 0 && run.Passed > 0 ? 0 : 1;
