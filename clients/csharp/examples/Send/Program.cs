using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Hubd.Client;

namespace Send
{
    /// <summary>
    /// Sends a text to a user, to a session, to both or to everybody, and tells
    /// for how many connections it was queued.
    /// </summary>
    internal static class Program
    {
        private const string Usage =
            "usage: Send [--user ID] [--session ID] TEXT\n" +
            "  HUB_URL      where hubd is; http://127.0.0.1:8081 unless set\n" +
            "  HUB_API_KEY  its key\n";

        private static void Main(string[] args)
        {
            // Mono, when Main returns, now and then waits for its idle threads
            // for up to a minute.
            Environment.Exit(Run(args));
        }

        private static int Run(string[] args)
        {
            if (Array.IndexOf(args, "--help") >= 0)
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
            var user = TakeFlag(words, "--user");
            var session = TakeFlag(words, "--session");
            if (words.Count != 1 || words.Peek().StartsWith("--"))
                throw new ArgumentException("one text is wanted");
            var payload = new { Text = words.Dequeue() };

            using (var stop = new CancellationTokenSource())
            using (var hub = new HubClient(ReadOptions()))
            {
                Console.CancelKeyPress += (_, e) =>
                {
                    e.Cancel = true;
                    stop.Cancel();
                };
                return Report(await SendAsync(
                    hub, user, session, payload, stop.Token));
            }
        }

        private static string TakeFlag(Queue<string> words, string flag)
        {
            if (words.Count < 2 || words.Peek() != flag)
                return null;
            words.Dequeue();
            return words.Dequeue();
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
            string user,
            string session,
            object payload,
            CancellationToken ct)
        {
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
