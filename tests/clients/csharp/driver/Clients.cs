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
                case "trusting":
                    return new HubClient(new HttpClient(new HttpClientHandler
                    {
                        ServerCertificateCustomValidationCallback =
                            (request, certificate, chain, errors) => true,
                    }), options);
                case "single":
                    return new HubClient(Single, options);
                case "repeating":
                    return On(new Repeating(), options);
                case "late":
                    return On(new Late(), options);
                case "breaking":
                    return On(new Breaking(), options);
                case "stalling":
                    return On(new Stalling(), options);
                default:
                    throw new ArgumentException($"no such http: {command}");
            }
        }

        private static IHubClient On(
            DelegatingHandler handler, HubOptions options)
        {
            handler.InnerHandler = HubClient.CreateHandler(4);
            return new HubClient(new HttpClient(handler), options);
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

        /// <summary>Cannot be cancelled, and sends after its time.</summary>
        private sealed class Late : DelegatingHandler
        {
            protected override async Task<HttpResponseMessage> SendAsync(
                HttpRequestMessage request, CancellationToken ct)
            {
                await Task.Delay(1000);
                return await base.SendAsync(request, CancellationToken.None);
            }
        }

        /// <summary>Lets no request through at first, as a circuit
        /// breaker.</summary>
        private sealed class Breaking : DelegatingHandler
        {
            private int _requests;

            protected override Task<HttpResponseMessage> SendAsync(
                HttpRequestMessage request, CancellationToken ct)
            {
                if (++_requests == 1)
                    throw new InvalidOperationException("no token");
                return base.SendAsync(request, ct);
            }
        }

        /// <summary>Lets one request through, and no more.</summary>
        private sealed class Stalling : DelegatingHandler
        {
            private int _requests;

            protected override async Task<HttpResponseMessage> SendAsync(
                HttpRequestMessage request, CancellationToken ct)
            {
                if (++_requests > 1)
                    await Task.Delay(Timeout.Infinite, ct);
                return await base.SendAsync(request, ct);
            }
        }
    }
}
