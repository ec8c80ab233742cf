using Kvasir.Formats;
using Kvasir.Models;

namespace Kvasir.Vision.Towers;

/// <summary>Tower and projector with packed weights: made when the first picture is looked at, for what is stored needs none.</summary>
internal sealed class LoadedEncoder : IDisposable
{
    private readonly TowerKernels _kernels;
    private readonly TowerTensors _tensors;

    /// <exception cref="InvalidInputException">A tensor is missing or of another shape than the metadata say.</exception>
    public LoadedEncoder(TowerSpec spec, ModelFile file, ModelOptions options,
        Func<TowerSpec, TowerTensors, TowerKernels, Projector> projector)
    {
        _kernels = new TowerKernels(options);
        _tensors = new TowerTensors(file, _kernels);
        try
        {
            Tower = new Tower(spec, _tensors, _kernels);
            Projector = projector(spec, _tensors, _kernels);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Tower Tower { get; }

    public Projector Projector { get; }

    public void Dispose()
    {
        _tensors.Dispose();
        _kernels.Dispose();
    }
}
