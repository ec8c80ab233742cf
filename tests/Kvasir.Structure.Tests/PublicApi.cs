using System.Reflection;

namespace Kvasir.Structure.Tests;

/// <summary>The public surface of an assembly as sorted lines of text: a line a type, and below it a line a member.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    public static string Of(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Declaration(type)).Append('\n');
            foreach (string member in type.GetMembers(Declared).Select(Describe).OfType<string>().Order(StringComparer.Ordinal))
                text.Append("    ").Append(member).Append('\n');
        }
        return text.ToString();
    }

    private static string Declaration(Type type)
    {
        string kind = type.IsEnum
            ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct" : IsRecord(type) ? "record" : "class";
        string shape = type is { IsAbstract: true, IsSealed: true } ? "static "
            : type.IsAbstract && !type.IsInterface ? "abstract " : type is { IsSealed: true, IsValueType: false } ? "sealed " : "";
        IEnumerable<string> parents =
            (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum)
                ? [parent] : Array.Empty<Type>())
            .Concat(type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? [])).Select(Name).Order(StringComparer.Ordinal);
        return $"{shape}{kind} {type.Namespace}.{Name(type)}{(parents.Any() ? " : " + string.Join(", ", parents) : "")}";
    }

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$", Declared) is not null;

    /// <summary>Null for what is not part of the surface: private and internal members, accessors, what the compiler wrote.</summary>
    private static string? Describe(MemberInfo member) => member switch
    {
        _ when member.IsDefined(typeof(CompilerGeneratedAttribute)) && member is not ConstructorInfo => null,
        FieldInfo field when field.IsSpecialName || !(field.IsPublic || field.IsFamily) => null,
        FieldInfo { IsLiteral: true } field =>
            $"const {Name(field.FieldType)} {field.Name} = {Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}",
        FieldInfo field => $"{(field.IsStatic ? "static " : "")}{Name(Nullability.Create(field))} {field.Name}",
        ConstructorInfo constructor => Seen(constructor) ? $"{Access(constructor)}new({Parameters(constructor)})" : null,
        MethodInfo method =>
            Seen(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) ? Method(method) : null,
        PropertyInfo property => Property(property),
        EventInfo { AddMethod: { } add } @event => Seen(add) ? $"event {Name(@event.EventHandlerType!)} {@event.Name}" : null,
        _ => null
    };

    private static string Method(MethodInfo method)
    {
        string arguments = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
        return $"{Access(method)}{Name(Nullability.Create(method.ReturnParameter))} {method.Name}{arguments}({Parameters(method)})";
    }

    private static string? Property(PropertyInfo property)
    {
        string accessors = string.Concat(
            property.GetMethod is { } get && Seen(get) ? " get;" : "",
            property.SetMethod is { } set && Seen(set)
                ? set.ReturnParameter.GetRequiredCustomModifiers().Length > 0 ? " init;" : " set;" : "");
        if (accessors.Length == 0) return null;
        string indices = property.GetIndexParameters() is { Length: > 0 } given ? $"[{string.Join(", ", given.Select(Parameter))}]" : "";
        string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        return $"{required}{Access((property.GetMethod ?? property.SetMethod)!)}{Name(Nullability.Create(property))} "
            + $"{property.Name}{indices} {{{accessors} }}";
    }

    private static bool Seen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) =>
        (method.IsPublic ? "" : "protected ")
            + (method.IsStatic ? "static " : method.IsAbstract && !method.DeclaringType!.IsInterface ? "abstract " : "");

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter) =>
        $"{(parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "ref " : "")}{Name(Nullability.Create(parameter))} "
            + $"{parameter.Name}{(parameter.IsOptional ? " = " + (parameter.RawDefaultValue ?? "default") : "")}";

    private static string Name(NullabilityInfo of) =>
        Name(of.Type) + (of.ReadState == NullabilityState.Nullable && Nullable.GetUnderlyingType(of.Type) is null ? "?" : "");

    private static string Name(Type type)
    {
        if (type.IsByRef) return Name(type.GetElementType()!);
        if (type.IsArray) return Name(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Name(underlying) + "?";
        string name = type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        return type.IsGenericType ? $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }
}
