using System;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace Hubd.Client
{
    /// <summary>
    /// Objects become JSON with camelCase properties, as browsers know it from
    /// ASP.NET Core; names that an attribute gives and keys of dictionaries
    /// stay. Threads: any.
    /// </summary>
    internal static class PayloadJson
    {
        // Not JsonConvert's default settings: those are the host's, and may
        // write type names into the payload.
        private static readonly JsonSerializerSettings Settings =
            new JsonSerializerSettings
            {
                ContractResolver = new CamelCaseProperties(),
                Culture = CultureInfo.InvariantCulture,
            };

        public static string Serialize(object payload)
        {
            var text = new StringBuilder();
            using (var writer = new StringWriter(
                text, CultureInfo.InvariantCulture))
            {
                JsonSerializer.Create(Settings).Serialize(writer, payload);
            }
            return text.ToString();
        }

        private sealed class CamelCaseProperties : DefaultContractResolver
        {
            private static readonly CamelCasePropertyNamesContractResolver
                Names = new CamelCasePropertyNamesContractResolver();

            protected override JsonProperty CreateProperty(
                MemberInfo member, MemberSerialization how)
            {
                var property = base.CreateProperty(member, how);

                if (property.PropertyName == member.Name && !IsNamed(member))
                    property.PropertyName =
                        Names.GetResolvedPropertyName(member.Name);
                return property;
            }

            private static bool IsNamed(MemberInfo member)
            {
                var attribute = (JsonPropertyAttribute)Attribute
                    .GetCustomAttribute(member, typeof(JsonPropertyAttribute));
                return attribute?.PropertyName != null;
            }
        }
    }
}
