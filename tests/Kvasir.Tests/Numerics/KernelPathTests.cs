using Kvasir.Numerics;

namespace Kvasir.Tests.Numerics;

public class KernelPathTests
{
    [Fact]
    public void Best_path_is_taken_when_none_is_named() => Assert.Equal(KernelPaths.Supported[^1], KernelPaths.Choose(null));

    [Fact]
    public void Named_path_is_taken_in_any_case()
    {
        Assert.Equal(KernelPath.Scalar, KernelPaths.Choose("scalar"));
        Assert.Equal(KernelPath.Scalar, KernelPaths.Choose(" SCALAR "));
    }

    [Theory]
    [InlineData("fastest")]
    [InlineData("1")]
    public void Unknown_name_is_refused_with_the_choices(string name)
    {
        var error = Assert.Throws<InvalidInputException>(() => KernelPaths.Choose(name));
        Assert.Contains("KVASIR_KERNELS=" + name, error.Message, StringComparison.Ordinal);
        Assert.Contains("scalar", error.Message, StringComparison.Ordinal);
    }
}
