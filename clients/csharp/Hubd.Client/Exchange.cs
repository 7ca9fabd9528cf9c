using System;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;

namespace Hubd.Client
{
    /// <summary>
    /// One request and its answer. Failures are sorted into those after which
    /// nothing can have been delivered, which are transient, and those after
    /// which the message may have been. Threads: any.
    /// </summary>
    internal static class Exchange
    {
        private const string KeyHeader = "X-API-Key";
        private const int AskFirstBytes = 1024 * 1024;

        /// <summary>Throws OperationCanceledException if ct is cancelled, and
        /// whatever HttpClient throws when it is misused. The request takes one
        /// of the slots, unless slots is null.</summary>
        public static async Task<Outcome<T>> PostAsync<T>(
            HttpClient http,
            SemaphoreSlim slots,
            HubSettings settings,
            Request<T> request,
            TimeSpan timeLeft,
            CancellationToken ct)
        {
            using (var time = CancellationTokenSource
                .CreateLinkedTokenSource(ct))
            {
                var content = new OnceContent(request.Body);

                time.CancelAfter(timeLeft);
                try
                {
                    return await UnlessCancelled(
                        () => TakeSlotAsync(
                            slots,
                            () => SendAsync(
                                http,
                                request,
                                settings.ApiKey,
                                content,
                                time.Token),
                            time.Token),
                        time.Token).ConfigureAwait(false);
                }
                catch (Exception cause)
                {
                    var isUnsent = content.Withdraw();

                    if (ct.IsCancellationRequested)
                        throw new OperationCanceledException(
                            "the call was cancelled", cause, ct);
                    // A stream that is being read when the time runs out may
                    // throw anything.
                    if (time.IsCancellationRequested ||
                        cause is OperationCanceledException)
                        return new Outcome<T>(isUnsent
                            ? NotReached(
                                settings, "no connection in time", cause)
                            : TimedOut(
                                settings, request.IsRepeatable, cause));
                    if (!isUnsent)
                        return new Outcome<T>(
                            Lost(settings, request.IsRepeatable, cause));
                    // For example, the HttpClient was disposed.
                    if (cause is ObjectDisposedException)
                        throw;
                    // Not only HttpRequestExceptions: a handler of the host,
                    // such as a circuit breaker, may throw anything.
                    return new Outcome<T>(NotReached(
                        settings, Reason.Innermost(cause), cause));
                }
            }
        }

        // Not every handler gives up at once: Mono's waits minutes for a host
        // that does not answer. Handlers that do give up win the race, because
        // a token's callbacks run last to first.
        private static async Task<T> UnlessCancelled<T>(
            Func<Task<T>> start, CancellationToken ct)
        {
            var cancelled = new TaskCompletionSource<T>(
                TaskCreationOptions.RunContinuationsAsynchronously);

            using (ct.Register(() => cancelled.TrySetCanceled()))
            {
                var task = start();
                var first = await Task.WhenAny(task, cancelled.Task)
                    .ConfigureAwait(false);

                // The outcome of the other no longer matters.
                _ = task.ContinueWith(
                    late => late.Exception,
                    CancellationToken.None,
                    TaskContinuationOptions.OnlyOnFaulted,
                    TaskScheduler.Default);
                return await first.ConfigureAwait(false);
            }
        }

        private static async Task<T> TakeSlotAsync<T>(
            SemaphoreSlim slots, Func<Task<T>> start, CancellationToken ct)
        {
            if (slots == null)
                return await start().ConfigureAwait(false);
            await slots.WaitAsync(ct).ConfigureAwait(false);
            try
            {
                return await start().ConfigureAwait(false);
            }
            finally
            {
                slots.Release();
            }
        }

        // May still be running when nobody waits for it any more.
        private static async Task<Outcome<T>> SendAsync<T>(
            HttpClient http,
            Request<T> request,
            string key,
            OnceContent content,
            CancellationToken ct)
        {
            using (var message = new HttpRequestMessage(
                HttpMethod.Post, request.Url))
            {
                message.Content = content;
                // Add() would validate the key, and include it in its
                // exception.
                message.Headers.TryAddWithoutValidation(KeyHeader, key);
                // A large body would still be in flight when hubd rejects it
                // and closes the connection, and the answer would be lost.
                message.Headers.ExpectContinue =
                    content.Length > AskFirstBytes;
                using (var response = await http
                    .SendAsync(
                        message, HttpCompletionOption.ResponseHeadersRead, ct)
                    .ConfigureAwait(false))
                {
                    return await HubAnswer.ReadAsync(response, request, ct)
                        .ConfigureAwait(false);
                }
            }
        }

        private static HubError NotReached(
            HubSettings settings, string why, Exception cause)
        {
            return new HubError(
                HubErrorCodes.NetworkError,
                $"cannot reach {settings.Authority}: {why}",
                isTransient: true,
                cause: cause);
        }

        private static HubError TimedOut(
            HubSettings settings, bool isRepeatable, Exception cause)
        {
            return new HubError(
                HubErrorCodes.Timeout,
                $"{settings.Authority} did not answer in time" +
                    MayBeDelivered(isRepeatable),
                isTransient: isRepeatable,
                isDeliveryUnknown: !isRepeatable,
                cause: cause);
        }

        private static HubError Lost(
            HubSettings settings, bool isRepeatable, Exception cause)
        {
            return new HubError(
                HubErrorCodes.ConnectionLost,
                $"lost the connection to {settings.Authority} before its " +
                    $"answer ({Reason.Innermost(cause)})" +
                    MayBeDelivered(isRepeatable),
                isTransient: isRepeatable,
                isDeliveryUnknown: !isRepeatable,
                cause: cause);
        }

        private static string MayBeDelivered(bool isRepeatable)
        {
            return isRepeatable
                ? string.Empty
                : "; the message may have been delivered";
        }
    }
}
