using Kvasir.Calibration;
using Kvasir.Models;

namespace Kvasir.Tests.Calibration;

/// <summary>A profile without a measurement: heads differ by orders of magnitude, and finer codecs do less damage.</summary>
internal static class MadeUpProfile
{
    public static SensitivityProfile For(Model model)
    {
        var random = new Random(4);
        string[] keys = [.. CandidateCodecs.Keys(8).Select(format => format.ToString())],
            values = [.. CandidateCodecs.Values(8).Select(format => format.ToString())];
        return new SensitivityProfile
        {
            Model = model.Identity,
            Calibration = "none",
            ScaleBits = 8,
            Keys = keys,
            Values = values,
            Layers = [.. model.CacheLayout.Layers.Select(layer =>
                (IReadOnlyList<HeadSensitivity>)[.. Enumerable.Range(0, layer.KvHeads)
                    .Select(_ => new HeadSensitivity(Damages(keys.Length), Damages(values.Length)))])],
        };

        double[] Damages(int codecs)
        {
            double worst = Math.Exp(-8 * random.NextDouble());
            return [.. Enumerable.Range(0, codecs).Select(codec => worst * Math.Pow(0.2, codec))];
        }
    }
}
