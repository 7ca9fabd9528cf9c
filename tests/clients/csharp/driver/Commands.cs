using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Hubd.Client;
using Newtonsoft.Json.Linq;

namespace Driver
{
    /// <summary>The commands: `client` makes one, the others use one.</summary>
    internal sealed class Commands
    {
        private readonly ConcurrentDictionary<string, IHubClient> _clients =
            new ConcurrentDictionary<string, IHubClient>();

        private readonly ConcurrentDictionary<string, CancellationTokenSource>
            _tokens =
                new ConcurrentDictionary<string, CancellationTokenSource>();

        public async Task<JObject> RunAsync(JObject command)
        {
            var name = (string)command["client"];

            switch ((string)command["do"])
            {
                case "client":
                    _clients[name] = Clients.Create(command);
                    return new JObject();
                case "dispose":
                    ((IDisposable)_clients[name]).Dispose();
                    return new JObject();
                case "send":
                    return Outcome.Of(await Send(
                        _clients[name], command, Token(command)));
                case "ticket":
                    return Outcome.Of(await _clients[name].IssueTicketAsync(
                        TicketRequest(command), Token(command)));
                case "cancel":
                    Source(command).Cancel();
                    return new JObject();
                case "mutate":
                    return Outcome.Of(await MutateAsync(_clients[name]));
                case "flurry":
                    return await FlurryAsync(_clients[name], command);
                case "storm":
                    return await StormAsync(_clients[name], command);
                default:
                    throw new ArgumentException($"no such command: {command}");
            }
        }

        private CancellationToken Token(JObject command)
        {
            return command["token"] == null
                ? CancellationToken.None
                : Source(command).Token;
        }

        private CancellationTokenSource Source(JObject command)
        {
            return _tokens.GetOrAdd(
                (string)command["token"],
                name => new CancellationTokenSource());
        }

        private static Task<HubResult> Send(
            IHubClient client, JObject command, CancellationToken ct)
        {
            var payload = Payloads.Read((JObject)command["payload"]);
            var type = Units(command["type"]);
            var user = Units(command["user"]);
            var session = Units(command["session"]);

            switch ((string)command["to"])
            {
                case "user":
                    return client.SendToUserAsync(user, payload, type, ct);
                case "session":
                    return client.SendToSessionAsync(
                        session, payload, type, ct);
                case "both":
                    return client.SendToUserAndSessionAsync(
                        user, session, payload, type, ct);
                default:
                    return client.BroadcastAsync(payload, type, ct);
            }
        }

        private static HubTicketRequest TicketRequest(JObject command)
        {
            return new HubTicketRequest(Units(command["user"]))
            {
                SessionId = Units(command["session"]),
                Origin = Units(command["origin"]),
                TimeToLive = Time(command["ttl"]),
                ConnectionTimeToLive = Time(command["connection_ttl"]),
            };
        }

        private static TimeSpan? Time(JToken seconds)
        {
            return seconds == null || seconds.Type == JTokenType.Null
                ? (TimeSpan?)null
                : TimeSpan.FromSeconds((double)seconds);
        }

        // A text may hold half a surrogate pair, which no pipe lets through.
        private static string Units(JToken units)
        {
            return units == null || units.Type == JTokenType.Null
                ? null
                : new string(units.Select(u => (char)(int)u).ToArray());
        }

        private static Task<HubResult> MutateAsync(IHubClient client)
        {
            var payload = new List<string> { "before" };
            var sending = client.BroadcastAsync(payload, "t");

            payload[0] = "after";
            return sending;
        }

        // Calls at once, cancelled together at different times.
        private static async Task<JObject> FlurryAsync(
            IHubClient client, JObject command)
        {
            var rounds = (int)command["rounds"];

            for (var round = 0; round < rounds; round++)
            {
                var stop = new CancellationTokenSource(round % 15);
                var calls = Enumerable.Range(0, 60).Select(
                    n => client.BroadcastAsync(n, "t", stop.Token));
                // Any one thing does not throw, as all things do.
                await Task.WhenAny(Task.WhenAll(calls.ToArray()));
            }
            return new JObject();
        }

        // Each thread sends its numbers one after the other.
        private static async Task<JObject> StormAsync(
            IHubClient client, JObject command)
        {
            var threads = (int)command["threads"];
            var each = (int)command["each"];
            var tasks = Enumerable.Range(0, threads).Select(thread =>
                Task.Factory.StartNew(
                    () => SendNumbers(client, thread, each),
                    TaskCreationOptions.LongRunning));
            var results = (await Task.WhenAll(tasks)).SelectMany(r => r);

            return new JObject
            {
                ["failures"] = new JArray(results
                    .Where(r => r.IsFailure).Select(r => r.ToString())),
                ["recipients"] = results
                    .Where(r => r.IsSuccess).Sum(r => r.Recipients),
            };
        }

        private static HubResult[] SendNumbers(
            IHubClient client, int thread, int count)
        {
            return Enumerable.Range(0, count)
                .Select(number => client
                    .BroadcastAsync(new[] { thread, number }, "n")
                    .GetAwaiter().GetResult())
                .ToArray();
        }
    }
}
