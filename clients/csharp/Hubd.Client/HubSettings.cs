using System;
using System.Linq;

namespace Hubd.Client
{
    /// <summary>
    /// Validated options, in the form in which they are used. Immutable;
    /// threads: any.
    /// </summary>
    internal sealed class HubSettings
    {
        private const int KeyLengthMax = 4096;
        private static readonly TimeSpan TimeoutMax = TimeSpan.FromDays(1);

        private readonly Uri _sendUrl;
        private readonly Uri _broadcastUrl;
        private readonly Uri _ticketsUrl;

        private HubSettings(HubOptions source, Uri baseUrl)
        {
            Source = source;
            Authority = baseUrl.Authority;
            _sendUrl = new Uri(baseUrl, "api/send");
            _broadcastUrl = new Uri(baseUrl, "api/broadcast");
            _ticketsUrl = new Uri(baseUrl, "api/tickets");
            ApiKey = source.ApiKey;
            Timeout = source.Timeout;
            Retry = source.Retry;
            SerializePayload = source.SerializePayload;
        }

        /// <summary>The options these were read from.</summary>
        public HubOptions Source { get; }

        /// <summary>Host and port, for error texts.</summary>
        public string Authority { get; }

        public string ApiKey { get; }

        public TimeSpan Timeout { get; }

        public bool Retry { get; }

        public Func<object, string> SerializePayload { get; }

        /// <summary>Reads options; null and the problem if they are
        /// invalid.</summary>
        public static HubSettings Read(HubOptions options, out string problem)
        {
            var baseUrl = ReadBaseUrl(options.BaseUrl, out problem);
            problem = problem ?? KeyProblem(options.ApiKey) ??
                TimeoutProblem(options.Timeout) ??
                MaxConnectionsProblem(options.MaxConnections);
            return problem == null ? new HubSettings(options, baseUrl) : null;
        }

        public Uri TicketsUrl => _ticketsUrl;

        public Uri UrlOf(Target target)
        {
            return target == Target.Everybody ? _broadcastUrl : _sendUrl;
        }

        /// <summary>The URL with a trailing slash, without which a relative
        /// path would replace its last segment.</summary>
        public static Uri ReadBaseUrl(string text, out string problem)
        {
            Uri url;

            problem = BaseUrlProblem(text, out url);
            if (problem != null || url.AbsolutePath.EndsWith("/"))
                return problem == null ? url : null;
            return new Uri(url.AbsoluteUri + "/");
        }

        // The text itself is not shown: it may contain a password.
        private static string BaseUrlProblem(string text, out Uri url)
        {
            url = null;
            if (string.IsNullOrWhiteSpace(text))
                return "BaseUrl is not set";
            // Mono keeps surrounding white space, and then cannot append a
            // path.
            if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out url) ||
                (url.Scheme != Uri.UriSchemeHttp &&
                 url.Scheme != Uri.UriSchemeHttps))
                return "BaseUrl is not an http or https URL, " +
                    "such as http://127.0.0.1:8081";
            if (url.UserInfo.Length > 0)
                return "BaseUrl contains a user name or password; " +
                    "hubd takes its key from ApiKey";
            if (url.Query.Length > 0 || url.Fragment.Length > 0)
                return "BaseUrl contains a query or a fragment";
            return null;
        }

        private static string KeyProblem(string key)
        {
            if (string.IsNullOrEmpty(key))
                return "ApiKey is not set";
            if (key.Length > KeyLengthMax)
                return $"ApiKey is longer than {KeyLengthMax} characters";
            if (key.Any(c => c < '!' || c > '~'))
                return "ApiKey contains a character that is not visible ASCII";
            return null;
        }

        private static string TimeoutProblem(TimeSpan timeout)
        {
            return timeout > TimeSpan.Zero && timeout <= TimeoutMax
                ? null
                : $"Timeout is {timeout}; it must be above 0 and at most a day";
        }

        private static string MaxConnectionsProblem(int count)
        {
            return count > 0
                ? null
                : $"MaxConnections is {count}; it must be 1 or more";
        }
    }
}
