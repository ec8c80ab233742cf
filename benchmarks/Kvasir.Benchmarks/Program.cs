using BenchmarkDotNet.Running;
using Kvasir.Benchmarks;
using Kvasir.Benchmarks.Kernels;

if (args is ["kernels", .. var types]) return KernelThroughput.Run(types);

if (args is ["sealing", .. var model]) return SealingCost.Run(model);

if (args is ["codecs", .. var shape]) return CodecThroughput.Run(shape);

if (args is ["training", .. var threads]) return TrainingProducts.Run(threads);

if (args is ["images", .. var images]) return ImageSpeed.Run(images);

if (args is ["store", .. var store]) return StoreSpeed.Run(store);

if (args is ["retrieval", .. var paths]) return RetrievalQuality.Run(paths);

if (args is ["models", .. var models]) return RandomModels.Write(models);

BenchmarkSwitcher.FromAssembly(typeof(KernelThroughput).Assembly).Run(args);
return 0;
