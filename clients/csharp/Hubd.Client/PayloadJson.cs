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
    /// Converts objects to JSON with camelCase properties, as ASP.NET Core
    /// does; names set by an attribute and dictionary keys stay as they are.
    /// Threads: any.
    /// </summary>
    internal static class PayloadJson
    {
        // Not JsonConvert's default settings: those belong to the host, and may
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
