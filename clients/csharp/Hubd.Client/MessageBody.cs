using System;
using System.Text;

namespace Hubd.Client
{
    /// <summary>
    /// The body of a request: everything around the payload is written here,
    /// and the payload's own bytes are copied as they are. Threads: the
    /// caller's.
    /// </summary>
    internal static class MessageBody
    {
        private static readonly byte[] Null = StrictUtf8.GetBytes("null");

        /// <summary>The bytes, or null and an error.</summary>
        public static byte[] Write(
            Target target,
            string type,
            object payload,
            Func<object, string> serialize,
            out HubError error)
        {
            error = FindHalfPair(target, type);
            if (error != null)
                return null;
            var json = WritePayload(payload, serialize, out error);
            if (error != null)
                return null;
            var message = $"{{\"type\":{Quote(type)},\"payload\":";
            return target == Target.Everybody
                ? Join(message, json, "}")
                : Join(Targets(target) + message, json, "}}");
        }

        // An unpaired surrogate has no UTF-8 encoding, and a replacement
        // character would make it another id.
        private static HubError FindHalfPair(Target target, string type)
        {
            return HalfPair(HubErrorCodes.InvalidId, "userId", target.UserId) ??
                HalfPair(
                    HubErrorCodes.InvalidId, "sessionId", target.SessionId) ??
                HalfPair(HubErrorCodes.InvalidMessage, "messageType", type);
        }

        public static HubError HalfPair(string code, string name, string text)
        {
            return text == null || StrictUtf8.CanEncode(text)
                ? null
                : new HubError(code, $"{name} contains an unpaired surrogate");
        }

        private static string Targets(Target target)
        {
            var text = new StringBuilder("{");

            if (target.UserId != null)
                text.Append($"\"targetUserId\":{Quote(target.UserId)},");
            if (target.SessionId != null)
                text.Append($"\"targetSessionId\":{Quote(target.SessionId)},");
            return text.Append("\"message\":").ToString();
        }

        // Newtonsoft.Json 5 throws on some texts with control characters.
        public static string Quote(string text)
        {
            var quoted = new StringBuilder("\"");

            foreach (var c in text)
            {
                if (c < ' ')
                    quoted.Append($"\\u{(int)c:x4}");
                else if (c == '"' || c == '\\')
                    quoted.Append('\\').Append(c);
                else
                    quoted.Append(c);
            }
            return quoted.Append('"').ToString();
        }

        // Serializers run code of the payload's types and of the host, which
        // may throw anything.
        private static byte[] WritePayload(
            object payload, Func<object, string> serialize, out HubError error)
        {
            byte[] json;

            try
            {
                json = Serialize(payload, serialize);
            }
            catch (Exception cause)
            {
                error = InvalidPayload(Reason.Of(cause), cause);
                return null;
            }
            var problem = JsonBounds.FindProblem(json);
            error = problem == null ? null : InvalidPayload(problem, null);
            return json;
        }

        private static byte[] Serialize(
            object payload, Func<object, string> serialize)
        {
            if (payload == null)
                return Null;
            if (payload is RawJson raw)
                return raw.ToUtf8();
            return StrictUtf8.GetBytes(
                (serialize ?? PayloadJson.Serialize)(payload) ??
                throw new InvalidOperationException(
                    "SerializePayload returned null"));
        }

        private static HubError InvalidPayload(string why, Exception cause)
        {
            return new HubError(
                HubErrorCodes.InvalidPayload,
                $"the payload cannot be sent as JSON: {why}",
                cause: cause);
        }

        private static byte[] Join(string before, byte[] json, string after)
        {
            var head = StrictUtf8.GetBytes(before);
            var tail = StrictUtf8.GetBytes(after);
            var all = new byte[head.Length + json.Length + tail.Length];

            Buffer.BlockCopy(head, 0, all, 0, head.Length);
            Buffer.BlockCopy(json, 0, all, head.Length, json.Length);
            Buffer.BlockCopy(
                tail, 0, all, head.Length + json.Length, tail.Length);
            return all;
        }
    }
}
