namespace Kvasir.Cli.Reports;

/// <summary>How report pages look, light and dark. The text holds no character that XML would need escaped.</summary>
internal static class ReportStyle
{
    /// <summary>Classes s1 to this have a colour each; s0 is the baseline's grey.</summary>
    public const int Colors = 7;

    public const string Css =
        """
        :root { color-scheme: light dark; --page: #fbfbf9; --panel: #ffffff; --ink: #1d2126; --soft: #5d6670; --rule: #e3e4e0; --axis: #9aa1a8;
          --c0: #6d747c; --c1: #1f6fb4; --c2: #c2521a; --c3: #23824f; --c4: #8548a6; --c5: #987100; --c6: #bd3567; --c7: #0d7f89; }
        @media (prefers-color-scheme: dark) { :root { --page: #14171a; --panel: #1b1f23; --ink: #e6e8ea; --soft: #9aa3ac; --rule: #2c3238; --axis: #5d6670;
          --c0: #a3abb3; --c1: #6db3f2; --c2: #f2925f; --c3: #62c48d; --c4: #c393e3; --c5: #dfb83f; --c6: #f0809f; --c7: #4fc6cf; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
        main { max-width: 76rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
        h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
        h2 { font-size: 1.1rem; margin: 0; }
        header p, figcaption p, section p { color: var(--soft); margin: .2rem 0 0; max-width: 46rem; }
        figcaption p, section p { font-size: .9rem; }
        figure, section { margin: 1.5rem 0 0; padding: 1.4rem 1.5rem; background: var(--panel); border: 1px solid var(--rule); border-radius: 10px; }
        figcaption { margin-bottom: 1rem; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); column-gap: 1.5rem; }
        svg { display: block; width: 100%; max-width: 36rem; height: auto; margin: 0 auto; font-size: 12px; }
        svg text { fill: var(--soft); font-variant-numeric: tabular-nums; }
        svg .title { font-size: 12.5px; }
        svg .name { fill: currentColor; font-weight: 600; }
        .grid { stroke: var(--rule); }
        .axis { stroke: var(--axis); }
        .halo { stroke: var(--panel); stroke-width: 2; }
        .s0 { color: var(--c0); } .s1 { color: var(--c1); } .s2 { color: var(--c2); } .s3 { color: var(--c3); }
        .s4 { color: var(--c4); } .s5 { color: var(--c5); } .s6 { color: var(--c6); } .s7 { color: var(--c7); }
        .doubt { border-left: 4px solid var(--c5); }
        .scroll { overflow-x: auto; margin-top: .8rem; }
        table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
        th { font-weight: 600; text-align: right; color: var(--soft); padding: .25rem .7rem; vertical-align: bottom; }
        td { text-align: right; padding: .45rem .7rem; border-top: 1px solid var(--rule); white-space: nowrap; vertical-align: top; }
        tbody th { text-align: left; padding: .45rem .7rem .45rem 0; border-top: 1px solid var(--rule); color: var(--ink); font-weight: 400; vertical-align: top; white-space: nowrap; }
        thead th[scope]:first-child { text-align: left; padding-left: 0; }
        td small { display: block; color: var(--soft); line-height: 1.2; }
        code { font: .92em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
        .dot { display: inline-block; width: .65em; height: .65em; border-radius: 50%; background: currentColor; margin-right: .55em; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1.5rem; margin: .9rem 0 0; font-size: .9rem; }
        dt { color: var(--soft); } dd { margin: 0; max-width: 60rem; }
        @media (max-width: 36rem) { main { padding: 1.2rem .6rem 2rem; } figure, section { padding: 1rem .7rem; } .pair { display: block; } h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
          thead { display: none; } tr { display: block; padding: .5rem 0; border-top: 1px solid var(--rule); } tbody th, td { display: flex; gap: .6rem; padding: .1rem 0; border: 0; align-items: baseline; }
          td::before { content: attr(data-label); color: var(--soft); margin-right: auto; }
          dl { grid-template-columns: 1fr; gap: .1rem; } dd { margin-bottom: .6rem; } }
        """;
}
