using System.Text.Json;

namespace Kvasir.Cli.Reports;

/// <summary>One step of a training as it is told.</summary>
internal sealed record TrainedStep(int Step, double Loss, double TokensPerSecond, double LearningRate);

/// <summary>The loss of a training step by step, as JSON Lines while it runs and as a drawing at the end, both beside the model.</summary>
internal sealed class LossCurve : IDisposable
{
    private const int Points = 60;

    private readonly List<TrainedStep> _steps = [];
    private readonly StreamWriter _lines;

    /// <param name="model">The model's file.</param>
    /// <param name="done">Steps of an earlier part of the same training: those of its lines that go beyond are dropped.</param>
    public LossCurve(string model, int done)
    {
        (Lines, Drawing) = (model + ".loss.jsonl", model + ".loss.svg");
        if (done > 0 && File.Exists(Lines))
            _steps.AddRange(File.ReadLines(Lines).Select(Read).OfType<TrainedStep>().Where(step => step.Step <= done));
        _lines = new StreamWriter(Lines) { AutoFlush = true };
        foreach (TrainedStep step in _steps) _lines.WriteLine(Json.Write(step));
    }

    public string Lines { get; }

    public string Drawing { get; }

    public void Add(TrainedStep step)
    {
        _steps.Add(step);
        _lines.WriteLine(Json.Write(step));
    }

    /// <summary>Draws means over equal runs of steps.</summary>
    public void Draw()
    {
        if (_steps.Count == 0) return;
        int run = (_steps.Count + Points - 1) / Points;
        PlotPoint[] points = [.. _steps.Chunk(run).Select(part => new PlotPoint(
            part[^1].Step, part.Average(step => step.Loss), part.Min(step => step.Loss), part.Max(step => step.Loss)))];
        string drawing = SvgPlot.Lines("Loss by step", "step", "loss, nats a token", [new PlotSeries("loss", 0, points)]);
        File.WriteAllText(Drawing, drawing.Insert(drawing.IndexOf('>', StringComparison.Ordinal) + 1, $"<style>{ReportStyle.Css}</style>"));
    }

    public void Dispose() => _lines.Dispose();

    /// <summary>A line; null for one that the end of a process has cut.</summary>
    private static TrainedStep? Read(string line)
    {
        try
        {
            return Json.Read<TrainedStep>(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
