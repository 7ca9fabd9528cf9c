using System;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using Hubd.Client;
using Newtonsoft.Json.Linq;

namespace Driver
{
    /// <summary>Makes a client as a command describes it.</summary>
    internal static class Clients
    {
        private static readonly HttpClient Single =
            new HttpClient(HubClient.CreateHandler(1));

        public static IHubClient Create(JObject command)
        {
            var options = command["options"].ToObject<HubOptions>();

            options.SerializePayload =
                Payloads.Serializer((string)command["serializer"]);
            switch ((string)command["http"])
            {
                case null:
                    return new HubClient(options);
                case "impatient":
                    return new HubClient(new HttpClient
                    {
                        Timeout = TimeSpan.FromSeconds(1),
                    }, options);
                case "single":
                    return new HubClient(Single, options);
                case "repeating":
                    return new HubClient(new HttpClient(new Repeating
                    {
                        InnerHandler = HubClient.CreateHandler(4),
                    }), options);
                default:
                    throw new ArgumentException($"no such http: {command}");
            }
        }

        /// <summary>As handlers that are meant for requests which may be
        /// repeated.</summary>
        private sealed class Repeating : DelegatingHandler
        {
            protected override async Task<HttpResponseMessage> SendAsync(
                HttpRequestMessage request, CancellationToken ct)
            {
                for (var left = 3; ; left--)
                {
                    try
                    {
                        return await base.SendAsync(request, ct);
                    }
                    catch (HttpRequestException) when (left > 0)
                    {
                    }
                }
            }
        }
    }
}
