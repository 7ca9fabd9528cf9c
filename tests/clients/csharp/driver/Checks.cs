using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using Hubd.Client;

namespace Driver
{
    /// <summary>
    /// What needs no server. Each method is a check; its name and "ok" or what
    /// was wrong become a line.
    /// </summary>
    internal static class Checks
    {
        private const string Key = "secret-0123456789";

        public static int Run()
        {
            foreach (var check in typeof(Checks)
                .GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
                .Where(method => method.Name.Contains("_") &&
                    !method.Name.StartsWith("<"))) // nor the lambdas in them
                Console.WriteLine($"{check.Name}: {Outcome(check)}");
            return 0;
        }

        private static string Outcome(MethodInfo check)
        {
            try
            {
                check.Invoke(null, null);
                return "ok";
            }
            catch (TargetInvocationException error)
            {
                return error.InnerException.ToString().Replace('\n', ' ');
            }
        }

        private static void Options_name_what_is_wrong()
        {
            var wrong = new Dictionary<string, Action<HubOptions>>
            {
                ["BaseUrl is not set"] = o => o.BaseUrl = null,
                ["BaseUrl is not set "] = o => o.BaseUrl = " ",
                ["BaseUrl is not an http"] = o => o.BaseUrl = "127.0.0.1:8081",
                ["BaseUrl is not an http or"] = o => o.BaseUrl = "/hub",
                ["BaseUrl is not an http or https URL"] =
                    o => o.BaseUrl = "ftp://127.0.0.1/",
                ["BaseUrl contains a user name"] =
                    o => o.BaseUrl = "http://ada:hunter2@127.0.0.1/",
                ["BaseUrl contains a query"] = o => o.BaseUrl += "?a=b",
                ["BaseUrl contains a query or a fragment"] =
                    o => o.BaseUrl += "#a",
                ["ApiKey is not set"] = o => o.ApiKey = null,
                ["ApiKey is not set "] = o => o.ApiKey = "",
                ["ApiKey contains a character"] =
                    o => o.ApiKey = Key + "\r\nX: y",
                ["ApiKey contains a character "] =
                    o => o.ApiKey = Key + "\u00e9",
                ["ApiKey is longer than 4096"] =
                    o => o.ApiKey = new string('k', 4097),
                ["Timeout is 00:00:00"] = o => o.Timeout = TimeSpan.Zero,
                ["Timeout is -00:00:00.0010000"] =
                    o => o.Timeout = Timeout.InfiniteTimeSpan,
                ["Timeout is 1.00:00:01"] =
                    o => o.Timeout = TimeSpan.FromSeconds(86401),
                ["MaxConnections is 0"] = o => o.MaxConnections = 0,
            };

            foreach (var one in wrong)
            {
                var options = Right();
                one.Value(options);
                var problem = options.FindProblem();
                Equal(true, (problem ?? "").StartsWith(one.Key.TrimEnd()),
                    $"{one.Key} / {problem}");
                var thrown = Throws<ArgumentException>(
                    () => new HubClient(options));
                Contains(thrown.Message, problem);
                ShowsNoSecret($"{problem} {thrown} {options}");
            }
        }

        private static void Options_that_are_right_have_no_problem()
        {
            var options = Right();

            Equal(null, options.FindProblem());
            options.ApiKey = new string('~', 4096);
            options.Timeout = TimeSpan.FromDays(1);
            options.MaxConnections = 1;
            options.BaseUrl = "HTTPS://Hub.Example/a/b/";
            Equal(null, options.FindProblem());
            options.BaseUrl = " http://127.0.0.1:1\n";
            Equal(null, options.FindProblem());
            Contains(options.ToString(), "BaseUrl=http://127.0.0.1:1/,");
        }

        private static void Nothing_shows_the_key()
        {
            ShowsNoSecret(Right().ToString());
            Contains(Right().ToString(), "http://127.0.0.1:1/");
            using (var client = new HubClient(Right()))
                ShowsNoSecret(client.ToString());
        }

        private static void Null_arguments_are_named()
        {
            using (var client = new HubClient(Right()))
            {
                Action<string, Func<Task>> isNamed = (name, call) =>
                    Equal(name,
                        Throws<ArgumentNullException>(() => call()).ParamName);

                isNamed("userId",
                    () => client.SendToUserAsync(null, 1, "t"));
                isNamed("messageType",
                    () => client.SendToUserAsync("u", 1, null));
                isNamed("sessionId",
                    () => client.SendToSessionAsync(null, 1, "t"));
                isNamed("userId",
                    () => client.SendToUserAndSessionAsync(null, "s", 1, "t"));
                isNamed("sessionId",
                    () => client.SendToUserAndSessionAsync("u", null, 1, "t"));
                isNamed("messageType", () => client.BroadcastAsync(1, null));
                isNamed("request", () => client.IssueTicketAsync(null));
            }
            Throws<ArgumentNullException>(
                () => new HubClient((HubOptions)null));
            Throws<ArgumentNullException>(
                () => new HubClient((System.Net.Http.HttpClient)null, Right()));
            Throws<ArgumentNullException>(() => new HubTicketRequest(null));
            Throws<ArgumentNullException>(() => new RawJson((string)null));
            Throws<ArgumentNullException>(() => new RawJson((byte[])null));
        }

        private static void A_cancelled_token_is_a_cancelled_task()
        {
            var options = Right();

            options.SerializePayload =
                payload => throw new Exception("this must not be called");
            using (var client = new HubClient(options))
            using (var stop = new CancellationTokenSource())
            {
                stop.Cancel();
                var task = client.BroadcastAsync(1, "t", stop.Token);
                Equal(true, task.IsCanceled);
            }
        }

        private static void Results_are_what_they_say()
        {
            var sent = HubResult.Success(3);
            var error = new HubError("a_code", "what happened", 400);
            var failed = HubResult.Failure(error);

            Equal(true, sent.IsSuccess && !sent.IsFailure);
            Equal(3, sent.Recipients);
            Equal("", sent.Error.Code + sent.Error.Description);
            Equal("recipients: 3", sent.ToString());
            Equal(true, failed.IsFailure && !failed.IsSuccess);
            Equal(error, failed.Error);
            Equal("a_code: what happened", failed.ToString());
            Contains(Throws<InvalidOperationException>(
                () => failed.Recipients.ToString()).Message, "a_code");
            Throws<ArgumentOutOfRangeException>(() => HubResult.Success(-1));
            Throws<ArgumentException>(() => HubResult.Failure(HubError.None));
            Throws<ArgumentNullException>(() => HubResult.Failure(null));
        }

        private static void Results_show_no_ticket()
        {
            var issued = HubTicketResult.Success(
                "hubt_a_hunter2", TimeSpan.FromSeconds(30));
            var error = new HubError("a_code", "what happened", 400);
            var failed = HubTicketResult.Failure(error);

            Equal(true, issued.IsSuccess && !issued.IsFailure);
            Equal("hubt_a_hunter2", issued.Ticket);
            Equal(30.0, issued.ExpiresIn.TotalSeconds);
            ShowsNoSecret(issued.ToString());
            Equal(true, failed.IsFailure && !failed.IsSuccess);
            Equal("a_code: what happened", failed.ToString());
            Contains(Throws<InvalidOperationException>(
                () => failed.Ticket.ToString()).Message, "a_code");
            Throws<InvalidOperationException>(
                () => failed.ExpiresIn.ToString());
            Throws<ArgumentNullException>(
                () => HubTicketResult.Success(null, TimeSpan.Zero));
            Throws<ArgumentException>(
                () => HubTicketResult.Failure(HubError.None));
            Throws<ArgumentNullException>(() => HubTicketResult.Failure(null));
        }

        private static void Raw_json_keeps_a_copy_of_bytes()
        {
            var bytes = new[] { (byte)'1' };
            var raw = new RawJson(bytes);

            bytes[0] = (byte)'2';
            Equal("1", raw.ToString());
        }

        private static void A_disposed_client_says_so()
        {
            var client = new HubClient(Right());

            client.Dispose();
            client.Dispose();
            Throws<ObjectDisposedException>(() =>
                client.BroadcastAsync(1, "t").GetAwaiter().GetResult());
        }

        private static HubOptions Right()
        {
            return new HubOptions
            {
                BaseUrl = "http://127.0.0.1:1",
                ApiKey = Key,
            };
        }

        private static void ShowsNoSecret(string text)
        {
            Equal(false, text.Contains(Key) || text.Contains("hunter2"), text);
        }

        private static void Contains(string text, string part)
        {
            Equal(true, text.Contains(part), $"{part} in {text}");
        }

        private static void Equal(object wanted, object got, string what = "")
        {
            if (!Equals(wanted, got))
                throw new Exception($"{got}, not {wanted}; {what}");
        }

        private static T Throws<T>(Action action)
            where T : Exception
        {
            try
            {
                action();
            }
            catch (T error)
            {
                return error;
            }
            throw new Exception($"no {typeof(T).Name}");
        }
    }
}
