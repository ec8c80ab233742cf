using Microsoft.Playwright;

namespace Kvasir.Server.Tests;

/// <summary>The page at <c>/</c> in Chromium, by keyboard. <c>KVASIR_SCREENSHOTS</c> names a folder for pictures of it.</summary>
public sealed class PageTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [SkippableFact]
    public async Task Person_asks_drops_a_document_and_sees_passages_and_cache()
    {
        string chromium = Environment.GetEnvironmentVariable("KVASIR_CHROMIUM") ?? "/usr/bin/chromium";
        Skip.IfNot(File.Exists(chromium), $"there is no Chromium at {chromium}");
        Assertions.SetDefaultExpectTimeout(120_000);
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions { ExecutablePath = chromium, Args = ["--no-sandbox"] });
        IPage page = await browser.NewPageAsync();
        var problems = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error") problems.Add(message.Text);
        };
        page.PageError += (_, error) => problems.Add(error);
        await page.GotoAsync(fixture.Server.Address.ToString());

        await page.Locator("#question").FillAsync("What is a cache?");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("#log")).ToHaveAttributeAsync("aria-busy", "false");
        await Assertions.Expect(page.Locator(".turn .meta")).ToContainTextAsync("tokens");
        await Assertions.Expect(page.Locator(".layer").First).ToBeVisibleAsync();
        await SaveAsync(page, "chat-light");

        await page.Locator("#collection").FillAsync("page");
        await page.Locator("#files").SetInputFilesAsync(new FilePayload
        {
            Name = "handbook.md",
            MimeType = "text/markdown",
            Buffer = Encoding.UTF8.GetBytes("# Handbook\n\nTravel is approved by the head of the department.\n\nLunch is at noon."),
        });
        await Assertions.Expect(page.Locator("#filelist")).ToContainTextAsync("handbook.md");
        await Assertions.Expect(page.Locator("#model")).ToHaveValueAsync("kvasir/docs:page");
        await page.Locator("#question").FillAsync("Who approves travel?");
        await page.Locator("#send").PressAsync("Enter");
        await Assertions.Expect(page.Locator("details blockquote").First).ToContainTextAsync("head of the department");
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = ColorScheme.Dark });
        await SaveAsync(page, "documents-dark");
        await page.SetViewportSizeAsync(390, 844);
        await SaveAsync(page, "documents-narrow");

        string[] unlabelled = await page.Locator("input, select, textarea, button").EvaluateAllAsync<string[]>(
            "all => all.filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map(e => e.outerHTML)");
        Assert.Empty(unlabelled);
        Assert.Empty(problems);
    }

    private static async Task SaveAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("KVASIR_SCREENSHOTS") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png"), FullPage = true });
    }
}
