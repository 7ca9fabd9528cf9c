using System;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Hubd.Client
{
    /// <summary>
    /// Reads hubd's answer. Only an error in hubd's own format guarantees that
    /// nothing was delivered; a proxy's 503 may come after hubd accepted the
    /// request. Threads: any.
    /// </summary>
    internal static class HubAnswer
    {
        private const int BytesMax = 8 * 1024; // hubd's have 2.5 KB at most
        private const int TooManyRequests = 429; // HttpStatusCode lacks it

        public static async Task<Outcome<T>> ReadAsync<T>(
            HttpResponseMessage response,
            Request<T> request,
            CancellationToken ct)
        {
            var text = await ReadTextAsync(response.Content, ct)
                .ConfigureAwait(false);
            var answer = text == null ? null : Parse(text);

            return Success(response, request, answer) ??
                new Outcome<T>(
                    Error(response, answer) ??
                    Unexpected(response, request.IsRepeatable));
        }

        /// <summary>Null if the answer has no number of recipients.</summary>
        public static Outcome<HubResult> ReadRecipients(JObject answer)
        {
            var count = (answer["recipients"] as JValue)?.Value as long?;

            return count >= 0 && count <= int.MaxValue
                ? new Outcome<HubResult>(HubResult.Success((int)count.Value))
                : null;
        }

        /// <summary>Null if it is too long to be from hubd.</summary>
        private static async Task<string> ReadTextAsync(
            HttpContent content, CancellationToken ct)
        {
            var bytes = new byte[BytesMax + 1];
            int count = 0, n;

            if (content == null)
                return null;
            using (var stream = await content.ReadAsStreamAsync()
                .ConfigureAwait(false))
            {
                do
                {
                    n = await stream
                        .ReadAsync(bytes, count, bytes.Length - count, ct)
                        .ConfigureAwait(false);
                    count += n;
                }
                while (n > 0 && count <= BytesMax);
            }
            return count <= BytesMax
                ? Encoding.UTF8.GetString(bytes, 0, count)
                : null;
        }

        private static JObject Parse(string text)
        {
            try
            {
                using (var reader = new JsonTextReader(new StringReader(text)))
                {
                    reader.DateParseHandling = DateParseHandling.None;
                    var answer = JToken.ReadFrom(reader) as JObject;
                    return reader.Read() ? null : answer;
                }
            }
            catch (JsonException)
            {
                return null;
            }
        }

        private static Outcome<T> Success<T>(
            HttpResponseMessage response, Request<T> request, JObject answer)
        {
            return response.StatusCode == HttpStatusCode.OK &&
                Text(answer, "status") == "success"
                ? request.Read(answer)
                : null;
        }

        private static HubError Error(
            HttpResponseMessage response, JObject answer)
        {
            var status = (int)response.StatusCode;
            var code = Text(answer, "code");
            var message = Text(answer, "message");

            if (status < 400 || Text(answer, "status") != "error" ||
                string.IsNullOrEmpty(code) || message == null)
                return null;
            return new HubError(
                code,
                message,
                status,
                isTransient: status == TooManyRequests ||
                    response.StatusCode == HttpStatusCode.ServiceUnavailable,
                retryAfter: RetryAfter(response));
        }

        private static HubError Unexpected(
            HttpResponseMessage response, bool isRepeatable)
        {
            var status = (int)response.StatusCode;

            return new HubError(
                HubErrorCodes.UnexpectedResponse,
                $"the answer with status {status} is not from hubd; is " +
                    "BaseUrl right?" + (isRepeatable
                        ? string.Empty
                        : " The message may have been delivered"),
                status,
                isDeliveryUnknown: !isRepeatable);
        }

        private static string Text(JObject answer, string name)
        {
            return (answer?[name] as JValue)?.Value as string;
        }

        private static TimeSpan? RetryAfter(HttpResponseMessage response)
        {
            var header = response.Headers.RetryAfter;
            var wait = header?.Delta ?? header?.Date - DateTimeOffset.UtcNow;

            return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
        }
    }
}
