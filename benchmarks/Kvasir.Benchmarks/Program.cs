using Kvasir.Benchmarks.Kernels;

return args switch
{
    ["kernels", .. var rest] => KernelThroughput.Run(rest),
    _ => 0,
};
