using System;
using System.Globalization;
using System.Text;
using Newtonsoft.Json.Linq;

namespace Hubd.Client
{
    /// <summary>
    /// The body of a request for a ticket, and the answer to it. Threads: the
    /// caller's.
    /// </summary>
    internal static class TicketBody
    {
        /// <summary>The bytes, or null and an error.</summary>
        public static byte[] Write(HubTicketRequest request, out HubError error)
        {
            error = MessageBody.HalfPair(
                    HubErrorCodes.InvalidId, "userId", request.UserId) ??
                MessageBody.HalfPair(
                    HubErrorCodes.InvalidId, "sessionId", request.SessionId) ??
                MessageBody.HalfPair(
                    HubErrorCodes.InvalidTicketRequest,
                    "origin",
                    request.Origin);
            if (error != null)
                return null;
            var text = new StringBuilder("{");

            text.Append($"\"userId\":{MessageBody.Quote(request.UserId)}");
            AddText(text, "sessionId", request.SessionId);
            AddText(text, "origin", request.Origin);
            AddTime(text, "ttlMs", request.TimeToLive);
            AddTime(text, "connectionTtlMs", request.ConnectionTimeToLive);
            return StrictUtf8.GetBytes(text.Append('}').ToString());
        }

        /// <summary>Null if the answer has no ticket.</summary>
        public static Outcome<HubTicketResult> Read(JObject answer)
        {
            var ticket = (answer["ticket"] as JValue)?.Value as string;
            var ms = (answer["expiresInMs"] as JValue)?.Value as long?;

            return string.IsNullOrEmpty(ticket) || ms == null || ms < 0 ||
                ms > int.MaxValue
                ? null
                : new Outcome<HubTicketResult>(HubTicketResult.Success(
                    ticket, TimeSpan.FromMilliseconds(ms.Value)));
        }

        private static void AddText(
            StringBuilder text, string name, string value)
        {
            if (value != null)
                text.Append($",\"{name}\":{MessageBody.Quote(value)}");
        }

        private static void AddTime(
            StringBuilder text, string name, TimeSpan? value)
        {
            if (value != null)
                text.Append($",\"{name}\":").Append(
                    ((long)value.Value.TotalMilliseconds).ToString(
                        CultureInfo.InvariantCulture));
        }
    }
}
