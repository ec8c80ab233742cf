// The endpoint of the MinimalApi example as a resource of an Aspire application.
IDistributedApplicationBuilder builder = DistributedApplication.CreateBuilder(args);
builder.AddProject<Projects.MinimalApi>("documents")
    .WithArgs("--Documents", "../../samples")
    .WithHttpEndpoint(port: 5080)
    .WithExternalHttpEndpoints();
await builder.Build().RunAsync();
