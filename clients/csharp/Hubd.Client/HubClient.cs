using System;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;

namespace Hubd.Client
{
    /// <summary>
    /// Sends messages through hubd's HTTP API. One client serves a whole
    /// process.
    /// </summary>
    /// <remarks>Threads: any, concurrently; only <see cref="Dispose"/> must
    /// come last.</remarks>
    public sealed class HubClient : IHubClient, IDisposable
    {
        private readonly Func<HttpClient> _http;
        private readonly Func<HubOptions> _options;
        private readonly HttpClient _owned;
        private readonly SemaphoreSlim _slots; // null: the handler limits
        private volatile HubSettings _settings;

        /// <summary>
        /// A client with connections of its own. They are closed by
        /// <see cref="Dispose"/>.
        /// </summary>
        /// <param name="options">Read once.</param>
        /// <exception cref="ArgumentException">An option is invalid; the
        /// message names it.</exception>
        public HubClient(HubOptions options)
            : this(Fixed(options), null)
        {
            // Giving up while Mono's handler waits for a connection may lock it
            // up for good, so the waiting is done here.
            _slots = new SemaphoreSlim(options.MaxConnections);
            _owned = new HttpClient(
                CreateHandler(int.MaxValue, options.UseProxy))
            {
                Timeout = Timeout.InfiniteTimeSpan,
            };
            _http = () => _owned;
        }

        /// <summary>
        /// A client that sends through the caller's HttpClient, whose headers
        /// and handlers apply and which is not disposed.
        /// </summary>
        /// <param name="http">Its Timeout applies in addition to that of the
        /// options. It must neither follow redirects nor repeat
        /// requests.</param>
        /// <param name="options">Read once; MaxConnections and UseProxy are up
        /// to the HttpClient.</param>
        /// <exception cref="ArgumentException">An option is invalid; the
        /// message names it.</exception>
        public HubClient(HttpClient http, HubOptions options)
            : this(Fixed(options), Fixed(http))
        {
        }

        /// <summary>
        /// A client that asks for its HttpClient at each attempt, as
        /// IHttpClientFactory expects, and for its options at each call.
        /// </summary>
        /// <param name="http">Called on any thread.</param>
        /// <param name="options">Called on any thread, and once before this
        /// returns. It should return the same object until something
        /// changes.</param>
        /// <exception cref="ArgumentException">An option is invalid; the
        /// message names it. The methods throw this too, once the options
        /// become invalid.</exception>
        public HubClient(Func<HttpClient> http, Func<HubOptions> options)
            : this(
                options ?? throw new ArgumentNullException(nameof(options)),
                http ?? throw new ArgumentNullException(nameof(http)))
        {
        }

        private HubClient(Func<HubOptions> options, Func<HttpClient> http)
        {
            _http = http;
            _options = options;
            Settings();
        }

        /// <summary>
        /// A handler with the right settings for a client: it follows no
        /// redirects, keeps no cookies, opens at most maxConnections
        /// connections, and uses no proxy unless told to.
        /// </summary>
        /// <param name="maxConnections">1 or more. On Mono, giving up while
        /// waiting for one of them may lock up the handler for good: pass
        /// int.MaxValue there.</param>
        /// <param name="useProxy">As <see cref="HubOptions.UseProxy"/>.</param>
        /// <returns>A new handler, owned by the caller.</returns>
        public static HttpMessageHandler CreateHandler(
            int maxConnections,
            bool useProxy = false)
        {
            return new HttpClientHandler
            {
                AllowAutoRedirect = false,
                MaxConnectionsPerServer = maxConnections,
                UseCookies = false,
                UseProxy = useProxy,
            };
        }

        /// <inheritdoc/>
        public Task<HubResult> SendToUserAsync(
            string userId,
            object payload,
            string messageType,
            CancellationToken ct = default(CancellationToken))
        {
            NotNull(userId, nameof(userId));
            return Send(Target.User(userId), payload, messageType, ct);
        }

        /// <inheritdoc/>
        public Task<HubResult> SendToSessionAsync(
            string sessionId,
            object payload,
            string messageType,
            CancellationToken ct = default(CancellationToken))
        {
            NotNull(sessionId, nameof(sessionId));
            return Send(Target.Session(sessionId), payload, messageType, ct);
        }

        /// <inheritdoc/>
        public Task<HubResult> SendToUserAndSessionAsync(
            string userId,
            string sessionId,
            object payload,
            string messageType,
            CancellationToken ct = default(CancellationToken))
        {
            NotNull(userId, nameof(userId));
            NotNull(sessionId, nameof(sessionId));
            return Send(
                Target.Both(userId, sessionId), payload, messageType, ct);
        }

        /// <inheritdoc/>
        public Task<HubResult> BroadcastAsync(
            object payload,
            string messageType,
            CancellationToken ct = default(CancellationToken))
        {
            return Send(Target.Everybody, payload, messageType, ct);
        }

        /// <inheritdoc/>
        public Task<HubTicketResult> IssueTicketAsync(
            HubTicketRequest request,
            CancellationToken ct = default(CancellationToken))
        {
            NotNull(request, nameof(request));
            if (ct.IsCancellationRequested)
                return Task.FromCanceled<HubTicketResult>(ct);
            var settings = Settings();
            var body = TicketBody.Write(request, out var error);

            // An unused ticket does no harm, so asking twice does none.
            return error != null
                ? Task.FromResult(HubTicketResult.Failure(error))
                : PostAsync(
                    settings,
                    new Request<HubTicketResult>(
                        settings.TicketsUrl, body, true, TicketBody.Read),
                    HubTicketResult.Failure,
                    ct);
        }

        /// <summary>
        /// Closes the connections, unless they belong to an HttpClient that was
        /// passed in. Calls in progress fail.
        /// </summary>
        public void Dispose()
        {
            _owned?.Dispose();
        }

        private static Func<HubOptions> Fixed(HubOptions options)
        {
            NotNull(options, nameof(options));
            return () => options;
        }

        private static Func<HttpClient> Fixed(HttpClient http)
        {
            NotNull(http, nameof(http));
            return () => http;
        }

        private static void NotNull(object value, string name)
        {
            if (value == null)
                throw new ArgumentNullException(name);
        }

        private HubSettings Settings()
        {
            var settings = _settings;
            var options = _options();

            if (settings == null || settings.Source != options)
            {
                settings = HubSettings.Read(options, out var problem);
                if (problem != null)
                    throw new ArgumentException(problem, nameof(options));
                _settings = settings;
            }
            return settings;
        }

        // Whatever the caller passed has been read by the time this returns.
        private Task<HubResult> Send(
            Target target, object payload, string type, CancellationToken ct)
        {
            NotNull(type, "messageType");
            if (ct.IsCancellationRequested)
                return Task.FromCanceled<HubResult>(ct);
            var settings = Settings();
            var body = MessageBody.Write(
                target, type, payload, settings.SerializePayload,
                out var error);

            return error != null
                ? Task.FromResult(HubResult.Failure(error))
                : PostAsync(
                    settings,
                    new Request<HubResult>(
                        settings.UrlOf(target),
                        body,
                        false,
                        HubAnswer.ReadRecipients),
                    HubResult.Failure,
                    ct);
        }

        private async Task<T> PostAsync<T>(
            HubSettings settings,
            Request<T> request,
            Func<HubError, T> fail,
            CancellationToken ct)
        {
            var outcome = await PostAsync(settings, request, ct)
                .ConfigureAwait(false);

            return outcome.Error == HubError.None
                ? outcome.Value
                : fail(outcome.Error);
        }

        private async Task<Outcome<T>> PostAsync<T>(
            HubSettings settings, Request<T> request, CancellationToken ct)
        {
            var schedule = new RetrySchedule(settings.Timeout);
            Outcome<T> before = null;

            while (true)
            {
                var result = await Exchange
                    .PostAsync(
                        _http(),
                        _slots,
                        settings,
                        request,
                        schedule.Left,
                        ct)
                    .ConfigureAwait(false);

                if (!settings.Retry || !result.Error.IsTransient)
                    return result;
                var wait = schedule.Next(result.Error.RetryAfter);
                if (wait == null)
                    return WasCutShort(result) ? before ?? result : result;
                await Task.Delay(wait.Value, ct).ConfigureAwait(false);
                if (schedule.Left == TimeSpan.Zero)
                    return result;
                before = result;
            }
        }

        // The error of an earlier attempt says more than that the time ran out
        // during this one.
        private static bool WasCutShort<T>(Outcome<T> result)
        {
            return result.Error.Cause is OperationCanceledException;
        }
    }
}
