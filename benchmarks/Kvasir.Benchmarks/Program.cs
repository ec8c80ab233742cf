using BenchmarkDotNet.Running;
using Kvasir.Benchmarks;
using Kvasir.Benchmarks.Kernels;

if (args is ["kernels", .. var types]) return KernelThroughput.Run(types);

if (args is ["codecs", .. var shape]) return CodecThroughput.Run(shape);

if (args is ["models", .. var models]) return RandomModels.Write(models);

BenchmarkSwitcher.FromAssembly(typeof(KernelThroughput).Assembly).Run(args);
return 0;
