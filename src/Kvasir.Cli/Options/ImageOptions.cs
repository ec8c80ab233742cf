namespace Kvasir.Cli.Options;

/// <summary>Pictures: <c>--image</c> and <c>--mmproj</c>.</summary>
internal sealed class ImageOptions
{
    private readonly Option<string[]> _images;
    private readonly Option<string?> _encoder;

    public ImageOptions(ExampleCommand command)
    {
        _images = Pictures(command);
        _encoder = Encoder(command);
    }

    /// <summary>The option --image.</summary>
    public static Option<string[]> Pictures(ExampleCommand command)
    {
        var option = command.Option<string[]>("--image", "FILE", "A picture (PNG, JPEG, WebP, BMP, GIF); may be given more than once");
        option.AllowMultipleArgumentsPerToken = false;
        return option;
    }

    /// <summary>The option --mmproj.</summary>
    public static Option<string?> Encoder(ExampleCommand command) => command.Option<string?>(
        "--mmproj", "PATH", "The image encoder (default: a file with mmproj in its name beside the model)");

    /// <summary>What was given; nothing is opened yet but each picture's file looked for.</summary>
    /// <exception cref="InvalidInputException">A picture is not there.</exception>
    public PictureInput Read(ParseResult parsed, CommonOptions common)
    {
        string[] files = parsed.GetValue(_images) ?? [];
        foreach (string file in files)
            if (!File.Exists(file)) throw new InvalidInputException($"{file}: no such file");
        return new PictureInput(files, parsed.GetValue(_encoder), common.ModelOptions(parsed));
    }
}
