using System;
using System.Collections.Generic;
using Hubd.Client;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Driver
{
    /// <summary>Payloads as a command names or spells them.</summary>
    internal static class Payloads
    {
        private static readonly Dictionary<string, Func<object>> Samples =
            new Dictionary<string, Func<object>>
            {
                ["order"] = () => new Order
                {
                    OrderId = 42,
                    URLOfShop = "https://example.com/?a=1&b=<2>",
                    Total = 1.10m,
                    Named = "kept",
                    AsIs = true,
                    Sent = new DateTime(2024, 1, 2, 3, 4, 5, DateTimeKind.Utc),
                    Counts = new Dictionary<string, int> { ["BigKey"] = 1 },
                    Lines = new[] { new Line { Text = "\u00e9\U0001f600" } },
                },
                ["anonymous"] =
                    () => new { Text = "hi", Nested = new { A = 1 } },
                ["string"] = () => "quo\"te \\ \u2028 \u4eba",
                ["number"] = () => 9007199254740993L,
                ["true"] = () => true,
                ["half pair"] = () => "\ud83d",
                ["loop"] = () => new Loop(),
                ["throwing"] = () => new Throwing(),
            };

        public static object Read(JObject payload)
        {
            if (payload == null)
                return null;
            if (payload["raw"] != null)
                return new RawJson((string)payload["raw"]);
            if (payload["bytes"] != null)
                return new RawJson(
                    Convert.FromBase64String((string)payload["bytes"]));
            if (payload["sample"] != null)
                return Samples[(string)payload["sample"]]();
            var tree = payload["json"];
            return tree.Type == JTokenType.Null ? null : tree;
        }

        public static Func<object, string> Serializer(string name)
        {
            switch (name)
            {
                case null:
                    return null;
                case "own":
                    return payload =>
                        $"[\"own\", {JsonConvert.SerializeObject(payload)}]";
                case "null":
                    return payload => null;
                case "escaping":
                    return payload =>
                        "1},\"targetUserId\":\"eve\",\"x\":{\"y\":1";
                case "throwing":
                    return payload =>
                        throw new FormatException("no\r\n such form");
                default:
                    throw new ArgumentException($"no such serializer: {name}");
            }
        }

        public sealed class Order
        {
            public int OrderId { get; set; }

            public string URLOfShop { get; set; }

            public decimal Total { get; set; }

            [JsonProperty("Named_As_Told")]
            public string Named { get; set; }

            [JsonProperty("AsIs")]
            public bool AsIs { get; set; }

            public DateTime Sent { get; set; }

            public Dictionary<string, int> Counts { get; set; }

            public Line[] Lines { get; set; }
        }

        public sealed class Line
        {
            public string Text { get; set; }
        }

        public sealed class Loop
        {
            public Loop Self => this;
        }

        public sealed class Throwing
        {
            public string Text =>
                throw new InvalidOperationException("not loaded");
        }
    }
}
