namespace Kvasir.Server.Requests;

/// <summary>A field that an endpoint takes: from the same list requests are checked and the OpenAPI document is written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">A type of JSON schema; several with bars between them.</param>
/// <param name="Description">What it does, and which values are taken.</param>
/// <param name="Required">Whether it must be there.</param>
internal sealed record Field(string Name, string Type, string Description, bool Required = false);
