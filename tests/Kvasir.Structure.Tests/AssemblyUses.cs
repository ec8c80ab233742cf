using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Kvasir.Structure.Tests;

/// <summary>
/// Which type of an assembly uses which, out of its metadata and the instructions of its methods: what the compiler resolved, not what a
/// using directive says.
/// </summary>
internal sealed class AssemblyUses
{
    private readonly PEReader _file;
    private readonly MetadataReader _reader;
    private readonly NamedTypes _decoder = new();

    private AssemblyUses(PEReader file)
    {
        _file = file;
        _reader = file.GetMetadataReader();
    }

    public static IReadOnlySet<TypeUse> Read(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var uses = new AssemblyUses(file);
        return uses._reader.TypeDefinitions.SelectMany(type =>
            uses.OfType(type).Select(used => new TypeUse(NamedTypes.Name(uses._reader, type), used)))
            .Where(use => use.User != use.Used).ToHashSet();
    }

    /// <summary>
    /// The constants of an assembly as source names them (<c>Type.Name</c>), and the type (the outermost) that owns each.
    /// </summary>
    public static IReadOnlyList<(string Text, string Owner)> Constants(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        MetadataReader reader = file.GetMetadataReader();
        return [.. from handle in reader.TypeDefinitions
                   let type = reader.GetTypeDefinition(handle)
                   from field in type.GetFields().Select(reader.GetFieldDefinition)
                   where field.Attributes.HasFlag(FieldAttributes.Literal)
                   select ($"{reader.GetString(type.Name)}.{reader.GetString(field.Name)}", NamedTypes.Name(reader, handle))];
    }

    private IEnumerable<string> OfType(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        return Of(type.BaseType)
            .Concat(type.GetInterfaceImplementations().SelectMany(item => Of(_reader.GetInterfaceImplementation(item).Interface)))
            .Concat(type.GetGenericParameters().SelectMany(OfConstraints))
            .Concat(type.GetFields().SelectMany(field => Of(field)))
            .Concat(type.GetEvents().SelectMany(item => Of(_reader.GetEventDefinition(item).Type)))
            .Concat(type.GetMethods().SelectMany(OfMethod))
            .Concat(type.GetCustomAttributes().SelectMany(OfAttribute))
            .Concat(type.GetFields().SelectMany(field => _reader.GetFieldDefinition(field).GetCustomAttributes()).SelectMany(OfAttribute))
            .Concat(type.GetProperties().SelectMany(property => _reader.GetPropertyDefinition(property).GetCustomAttributes())
                .SelectMany(OfAttribute));
    }

    private IEnumerable<string> OfConstraints(GenericParameterHandle handle) => _reader.GetGenericParameter(handle).GetConstraints()
        .SelectMany(constraint => Of(_reader.GetGenericParameterConstraint(constraint).Type));

    private IEnumerable<string> OfAttribute(CustomAttributeHandle handle) => Of(_reader.GetCustomAttribute(handle).Constructor);

    private IEnumerable<string> OfMethod(MethodDefinitionHandle handle)
    {
        MethodDefinition method = _reader.GetMethodDefinition(handle);
        IEnumerable<string> uses = Of((EntityHandle)handle).Concat(method.GetGenericParameters().SelectMany(OfConstraints))
            .Concat(method.GetCustomAttributes().SelectMany(OfAttribute));
        return method.RelativeVirtualAddress == 0 ? uses : uses.Concat(OfBody(_file.GetMethodBody(method.RelativeVirtualAddress)));
    }

    private IEnumerable<string> OfBody(MethodBodyBlock body)
    {
        IEnumerable<string> locals = body.LocalSignature.IsNil ? [] : Of(body.LocalSignature);
        return locals.Concat(body.ExceptionRegions.SelectMany(region => Of(region.CatchType)))
            .Concat(InstructionTokens.Read(body.GetILBytes() ?? []).SelectMany(Of));
    }

    /// <summary>
    /// The types that a token of any kind names: for a method or field the type that declares it and those of its signature.
    /// </summary>
    private ImmutableHashSet<string> Of(EntityHandle handle) => handle.IsNil ? [] : handle.Kind switch
    {
        HandleKind.TypeDefinition => _decoder.GetTypeFromDefinition(_reader, (TypeDefinitionHandle)handle, 0),
        HandleKind.TypeReference => _decoder.GetTypeFromReference(_reader, (TypeReferenceHandle)handle, 0),
        HandleKind.TypeSpecification => _decoder.GetTypeFromSpecification(_reader, null, (TypeSpecificationHandle)handle, 0),
        HandleKind.FieldDefinition => OfField(_reader.GetFieldDefinition((FieldDefinitionHandle)handle)),
        HandleKind.MethodDefinition => OfSignature(_reader.GetMethodDefinition((MethodDefinitionHandle)handle)),
        HandleKind.MemberReference => OfMember(_reader.GetMemberReference((MemberReferenceHandle)handle)),
        HandleKind.MethodSpecification => OfInstance(_reader.GetMethodSpecification((MethodSpecificationHandle)handle)),
        HandleKind.StandaloneSignature => OfStandalone(_reader.GetStandaloneSignature((StandaloneSignatureHandle)handle)),
        _ => throw new NotSupportedException($"a token of the kind {handle.Kind}")
    };

    private ImmutableHashSet<string> OfField(FieldDefinition field) =>
        Of(field.GetDeclaringType()).Union(field.DecodeSignature(_decoder, null));

    private ImmutableHashSet<string> OfSignature(MethodDefinition method) =>
        Of(method.GetDeclaringType()).Union(NamedTypes.Of(method.DecodeSignature(_decoder, null)));

    private ImmutableHashSet<string> OfMember(MemberReference member) => Of(member.Parent).Union(
        member.GetKind() == MemberReferenceKind.Field
            ? member.DecodeFieldSignature(_decoder, null) : NamedTypes.Of(member.DecodeMethodSignature(_decoder, null)));

    private ImmutableHashSet<string> OfInstance(MethodSpecification method) =>
        method.DecodeSignature(_decoder, null).Aggregate(Of(method.Method), (all, one) => all.Union(one));

    private ImmutableHashSet<string> OfStandalone(StandaloneSignature signature) =>
        signature.GetKind() == StandaloneSignatureKind.LocalVariables
        ? [.. signature.DecodeLocalSignature(_decoder, null).SelectMany(names => names)]
        : NamedTypes.Of(signature.DecodeMethodSignature(_decoder, null));
}
