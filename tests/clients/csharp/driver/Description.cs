using System;
using System.Linq;
using System.Reflection;
using Hubd.Client;
using Newtonsoft.Json.Linq;

namespace Driver
{
    /// <summary>The settings with their defaults, and the codes.</summary>
    internal static class Description
    {
        public static int Write()
        {
            var defaults = new HubOptions();

            Console.WriteLine(new JObject
            {
                ["settings"] = new JObject(typeof(HubOptions)
                    .GetProperties()
                    .Select(p => new JProperty(
                        p.Name, p.GetValue(defaults)?.ToString()))),
                ["methods"] = new JArray(typeof(IHubClient)
                    .GetMethods().Select(Signature)),
                ["codes"] = new JArray(typeof(HubErrorCodes)
                    .GetFields().Select(f => f.GetValue(null))),
            });
            return 0;
        }

        private static string Signature(MethodInfo method)
        {
            var names = method.GetParameters().Select(p => p.Name);

            return $"{method.Name}({string.Join(", ", names)})";
        }
    }
}
