namespace Kvasir.Formats;
internal static class ModelIdentity { public static string ComputeCached(ModelFile file) => throw new NotImplementedException(); }
