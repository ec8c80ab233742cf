namespace Kvasir.Tokenization.Jinja;

/// <summary>A time in C's <c>strftime</c> directives, in English. Flags change padding (<c>- _ 0</c>) or case (<c>^ #</c>).</summary>
internal static class TimeFormat
{
    public static string Apply(RenderContext context, DateTimeOffset time, string format)
    {
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            char flag = i + 2 < format.Length && format[i] == '%' && format[i + 1] is '-' or '_' or '0' or '^' or '#' ? format[i + 1] : ' ';
            int at = flag == ' ' ? i + 1 : i + 2;
            string? text = format[i] == '%' && at < format.Length ? Directive(time, format[at]) : null;
            result.Append(text is null ? format[i].ToString() : Flagged(text, flag));
            i = text is null ? i : at;
            context.Room(result.Length);
        }

        return result.ToString();
    }

    private static string Flagged(string text, char flag) => flag switch
    {
        '^' or '#' => text.ToUpperInvariant(),
        '0' => text.Replace(' ', '0'),
        '-' or '_' when text.Length > 1 && text.TrimStart('0', ' ') is var bare =>
            (bare.Length == 0 ? "0" : bare).PadLeft(flag == '_' ? text.Length : 1),
        _ => text,
    };

    /// <summary>What a letter stands for; null where it stands for nothing.</summary>
    private static string? Directive(DateTimeOffset time, char letter)
    {
        string Form(string form) => time.ToString(form, CultureInfo.InvariantCulture);
        string Number(long number, int digits) => number.ToString("D" + digits, CultureInfo.InvariantCulture);
        int weekday = (int)time.DayOfWeek, isoWeekday = weekday == 0 ? 7 : weekday;
        return letter switch
        {
            'a' => Form("ddd"),
            'A' => Form("dddd"),
            'b' or 'h' => Form("MMM"),
            'B' => Form("MMMM"),
            'c' => Form("ddd MMM ") + time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2) + Form(" HH:mm:ss yyyy"),
            'C' => Number(time.Year / 100, 2),
            'd' => Form("dd"),
            'D' or 'x' => Form("MM/dd/yy"),
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'f' => Form("ffffff"),
            'F' => Form("yyyy-MM-dd"),
            'g' => Number(ISOWeek.GetYear(time.DateTime) % 100, 2),
            'G' => Number(ISOWeek.GetYear(time.DateTime), 4),
            'H' => Form("HH"),
            'I' => Form("hh"),
            'j' => Number(time.DayOfYear, 3),
            'k' => time.Hour.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'l' => (((time.Hour + 11) % 12) + 1).ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'm' => Form("MM"),
            'M' => Form("mm"),
            'n' => "\n",
            'p' => time.Hour < 12 ? "AM" : "PM",
            'P' => time.Hour < 12 ? "am" : "pm",
            'r' => Form("hh:mm:ss ") + (time.Hour < 12 ? "AM" : "PM"),
            'R' => Form("HH:mm"),
            's' => Number(time.ToUnixTimeSeconds(), 1),
            'S' => Form("ss"),
            't' => "\t",
            'T' or 'X' => Form("HH:mm:ss"),
            'u' => Number(isoWeekday, 1),
            'U' => Number((time.DayOfYear + 6 - weekday) / 7, 2),
            'V' => Number(ISOWeek.GetWeekOfYear(time.DateTime), 2),
            'w' => Number(weekday, 1),
            'W' => Number((time.DayOfYear + 7 - isoWeekday) / 7, 2),
            'y' => Form("yy"),
            'Y' => Number(time.Year, 4),
            'z' or 'Z' => "", // the time has no zone, as Python's datetime.now() has none
            '%' => "%",
            _ => null,
        };
    }
}
