using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Hubd.Client;

namespace Send
{
    /// <summary>
    /// Sends a text to a user, to a session, to both or to everybody, and
    /// prints for how many connections it was queued.
    /// </summary>
    internal static class Program
    {
        private const string Usage =
            "usage: Send [--user ID] [--session ID] TEXT\n" +
            "  HUB_URL      where hubd is; http://127.0.0.1:8081 unless set\n" +
            "  HUB_API_KEY  its key\n";

        private static void Main(string[] args)
        {
            // When Main returns, Mono sometimes waits up to a minute for its
            // idle threads.
            Environment.Exit(Run(args));
        }

        private static int Run(string[] args)
        {
            if (args.Any(word => word == "--help" || word == "-h"))
            {
                Console.Write(Usage);
                return 0;
            }
            try
            {
                return RunAsync(args).GetAwaiter().GetResult();
            }
            catch (ArgumentException error)
            {
                Console.Error.Write($"{error.Message}\n{Usage}");
                return 2;
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine("cancelled");
                return 130;
            }
        }

        private static async Task<int> RunAsync(string[] args)
        {
            var words = new Queue<string>(args);
            var ids = new Dictionary<string, string>();
            while (words.Count > 1 &&
                (words.Peek() == "--user" || words.Peek() == "--session"))
                ids[words.Dequeue()] = words.Dequeue();
            if (words.Count != 1 ||
                words.Peek().StartsWith("-", StringComparison.Ordinal))
                throw new ArgumentException("exactly one TEXT is expected");
            var payload = new { Text = words.Dequeue() };
            var options = ReadOptions();
            var problem = options.FindProblem();
            if (problem != null)
                throw new ArgumentException(problem);

            using (var stop = new CancellationTokenSource())
            using (var hub = new HubClient(options))
            {
                Console.CancelKeyPress += (_, e) =>
                {
                    e.Cancel = true;
                    stop.Cancel();
                };
                return Report(await SendAsync(hub, ids, payload, stop.Token));
            }
        }

        private static HubOptions ReadOptions()
        {
            return new HubOptions
            {
                BaseUrl = Environment.GetEnvironmentVariable("HUB_URL") ??
                    "http://127.0.0.1:8081",
                ApiKey = Environment.GetEnvironmentVariable("HUB_API_KEY"),
            };
        }

        private static Task<HubResult> SendAsync(
            IHubClient hub,
            Dictionary<string, string> ids,
            object payload,
            CancellationToken ct)
        {
            ids.TryGetValue("--user", out var user);
            ids.TryGetValue("--session", out var session);
            if (user != null && session != null)
                return hub.SendToUserAndSessionAsync(
                    user, session, payload, "note", ct);
            if (user != null)
                return hub.SendToUserAsync(user, payload, "note", ct);
            if (session != null)
                return hub.SendToSessionAsync(session, payload, "note", ct);
            return hub.BroadcastAsync(payload, "note", ct);
        }

        private static int Report(HubResult sent)
        {
            if (sent.IsSuccess)
            {
                Console.WriteLine(
                    $"queued for {sent.Recipients} connection(s)");
                return 0;
            }
            Console.Error.WriteLine(sent.Error);
            if (sent.Error.IsDeliveryUnknown)
                Console.Error.WriteLine(
                    "sending it again may deliver it twice");
            return 1;
        }
    }
}
