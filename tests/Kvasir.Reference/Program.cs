using Kvasir.Reference;

if (args.Length != 1)
{
    Console.Error.WriteLine("usage: dotnet run --project tests/Kvasir.Reference -- tests/golden/small.json");
    return 2;
}
File.WriteAllText(args[0], SmallGolden.Make().ToJson() + "\n");
return 0;
