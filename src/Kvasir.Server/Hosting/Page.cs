namespace Kvasir.Server.Hosting;

/// <summary>The page at <c>/</c>: one file, which loads nothing from elsewhere and is let load nothing.</summary>
internal static class Page
{
    private static readonly byte[] Html = Read();

    public static Task SendAsync(HttpContext context)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri "
                + "'none'; "
            + "form-action 'none'; frame-ancestors 'none'";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.Body.WriteAsync(Html, context.RequestAborted).AsTask();
    }

    private static byte[] Read()
    {
        using Stream page = typeof(Page).Assembly.GetManifestResourceStream("index.html")!;
        using var bytes = new MemoryStream();
        page.CopyTo(bytes);
        return bytes.ToArray();
    }
}
