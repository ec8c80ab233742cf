using System.Globalization;
using System.Text;

namespace Kvasir.Tokenization.Jinja;

/// <summary>A date and time in C's <c>strftime</c> directives, with English names.</summary>
internal static class TimeFormat
{
    public static string Apply(DateTimeOffset time, string format)
    {
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            bool unpadded = format[++i] == '-' && i + 1 < format.Length;
            string text = Directive(time, unpadded ? format[++i] : format[i]);
            result.Append(unpadded && text.Length > 1 ? text.TrimStart('0').PadLeft(1, '0') : text);
        }

        return result.ToString();
    }

    private static string Directive(DateTimeOffset time, char directive)
    {
        string Form(string form) => time.ToString(form, CultureInfo.InvariantCulture);
        string Number(int number, int digits) => number.ToString("D" + digits, CultureInfo.InvariantCulture);
        return directive switch
        {
            'a' => Form("ddd"),
            'A' => Form("dddd"),
            'b' or 'h' => Form("MMM"),
            'B' => Form("MMMM"),
            'c' => Apply(time, "%a %b ") + Number(time.Day, 1).PadLeft(2) + Apply(time, " %H:%M:%S %Y"),
            'd' => Number(time.Day, 2),
            'D' or 'x' => Apply(time, "%m/%d/%y"),
            'e' => Number(time.Day, 1).PadLeft(2),
            'f' => Form("ffffff"),
            'F' => Apply(time, "%Y-%m-%d"),
            'H' => Number(time.Hour, 2),
            'I' => Number(((time.Hour + 11) % 12) + 1, 2),
            'j' => Number(time.DayOfYear, 3),
            'm' => Number(time.Month, 2),
            'M' => Number(time.Minute, 2),
            'n' => "\n",
            'p' => time.Hour < 12 ? "AM" : "PM",
            'S' => Number(time.Second, 2),
            't' => "\t",
            'T' or 'X' => Apply(time, "%H:%M:%S"),
            'u' => Number(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek, 1),
            'w' => Number((int)time.DayOfWeek, 1),
            'y' => Number(time.Year % 100, 2),
            'Y' => Number(time.Year, 4),
            'z' => Form("zzz").Replace(":", "", StringComparison.Ordinal),
            'Z' => "",
            '%' => "%",
            _ => "%" + directive,
        };
    }
}
