using BenchmarkDotNet.Running;
using Kvasir.Benchmarks.Kernels;

if (args is ["kernels", .. var types]) return KernelThroughput.Run(types);

BenchmarkSwitcher.FromAssembly(typeof(KernelThroughput).Assembly).Run(args);
return 0;
