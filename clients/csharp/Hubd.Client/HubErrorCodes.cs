namespace Hubd.Client
{
    /// <summary>
    /// Values of <see cref="HubError.Code"/>: first the client's own, then
    /// those of hubd's that a backend may meet. Compare with these; do not
    /// assume that there are no others.
    /// </summary>
    public static class HubErrorCodes
    {
        /// <summary>
        /// hubd was not reached in time: no such host, connection refused, no
        /// free connection, a handler of the host's that let nothing through.
        /// Nothing was sent.
        /// </summary>
        public const string NetworkError = "network_error";

        /// <summary>
        /// The request was on its way and there was no answer in time. Whether
        /// it was delivered is unknown.
        /// </summary>
        public const string Timeout = "timeout";

        /// <summary>
        /// The request was on its way and the connection broke before the
        /// answer was complete. Whether it was delivered is unknown.
        /// </summary>
        public const string ConnectionLost = "connection_lost";

        /// <summary>
        /// The answer is none of hubd's, but for example a proxy's error page.
        /// Whether it was delivered is unknown.
        /// </summary>
        public const string UnexpectedResponse = "unexpected_response";

        /// <summary>
        /// The payload cannot be turned into JSON. Nothing was sent.
        /// </summary>
        public const string InvalidPayload = "invalid_payload";

        /// <summary>hubd: the key is wrong.</summary>
        public const string Unauthorized = "unauthorized";

        /// <summary>
        /// hubd: an id is empty, longer than 256 bytes, or holds a control
        /// character; and, found before anything is sent, half a surrogate
        /// pair.
        /// </summary>
        public const string InvalidId = "invalid_id";

        /// <summary>
        /// hubd: the type is empty; and, found before anything is sent, holds
        /// half a surrogate pair.
        /// </summary>
        public const string InvalidMessage = "invalid_message";

        /// <summary>hubd: a <see cref="RawJson"/> is not JSON.</summary>
        public const string InvalidJson = "invalid_json";

        /// <summary>hubd: the message is larger than its
        /// <c>MAX_MESSAGE_SIZE</c>.</summary>
        public const string TooLarge = "too_large";

        /// <summary>hubd: it shuts down. Transient.</summary>
        public const string Draining = "draining";

        /// <summary>hubd: it has no room for another connection.
        /// Transient.</summary>
        public const string AtCapacity = "at_capacity";

        /// <summary>hubd: messages come faster than it can send them.
        /// Transient.</summary>
        public const string Overloaded = "overloaded";

        /// <summary>hubd: its memory is used up. Transient.</summary>
        public const string OutOfMemory = "out_of_memory";

        /// <summary>hubd: too many requests. Transient.</summary>
        public const string RateLimited = "rate_limited";

        /// <summary>hubd: no such path, so that BaseUrl may be
        /// wrong.</summary>
        public const string NotFound = "not_found";

        /// <summary>hubd: it failed.</summary>
        public const string InternalError = "internal_error";
    }
}
