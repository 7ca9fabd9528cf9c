namespace Hubd.Client
{
    /// <summary>
    /// Values of <see cref="HubError.Code"/>: first the client's own, then
    /// those of hubd that a backend may meet. Compare with these, but do not
    /// assume that there are no others.
    /// </summary>
    public static class HubErrorCodes
    {
        /// <summary>
        /// hubd was not reached in time: no such host, connection refused, no
        /// free connection, or a handler of the host that let nothing through.
        /// Nothing was sent.
        /// </summary>
        public const string NetworkError = "network_error";

        /// <summary>
        /// The request was sent, at least in part, and no answer came in time.
        /// Whether it was delivered is unknown.
        /// </summary>
        public const string Timeout = "timeout";

        /// <summary>
        /// The request was sent, at least in part, and the connection broke
        /// before the answer was complete. Whether it was delivered is unknown.
        /// </summary>
        public const string ConnectionLost = "connection_lost";

        /// <summary>
        /// The answer is not from hubd, but for example a proxy's error page.
        /// Whether the message was delivered is unknown.
        /// </summary>
        public const string UnexpectedResponse = "unexpected_response";

        /// <summary>
        /// The payload cannot be converted to JSON. Nothing was sent.
        /// </summary>
        public const string InvalidPayload = "invalid_payload";

        /// <summary>hubd: the key is wrong.</summary>
        public const string Unauthorized = "unauthorized";

        /// <summary>
        /// hubd: an id is empty, longer than 256 bytes, or contains a control
        /// character. Client, before anything is sent: it contains an unpaired
        /// surrogate.
        /// </summary>
        public const string InvalidId = "invalid_id";

        /// <summary>
        /// hubd: the type is empty. Client, before anything is sent: it
        /// contains an unpaired surrogate.
        /// </summary>
        public const string InvalidMessage = "invalid_message";

        /// <summary>hubd: a <see cref="RawJson"/> is not JSON.</summary>
        public const string InvalidJson = "invalid_json";

        /// <summary>
        /// hubd: a ticket's time or origin is not one it accepts. Client,
        /// before anything is sent: the origin contains an unpaired surrogate.
        /// </summary>
        public const string InvalidTicketRequest = "invalid_ticket_request";

        /// <summary>hubd: its settings do not let clients connect with
        /// tickets.</summary>
        public const string TicketsOff = "tickets_off";

        /// <summary>hubd: there are too many unused tickets.
        /// Transient.</summary>
        public const string TooManyTickets = "too_many_tickets";

        /// <summary>hubd: the message is larger than its
        /// <c>MAX_MESSAGE_SIZE</c>.</summary>
        public const string TooLarge = "too_large";

        /// <summary>hubd: it is shutting down. Transient.</summary>
        public const string Draining = "draining";

        /// <summary>hubd: it has no room for another connection.
        /// Transient.</summary>
        public const string AtCapacity = "at_capacity";

        /// <summary>hubd: messages are posted faster than it can send them.
        /// Transient.</summary>
        public const string Overloaded = "overloaded";

        /// <summary>hubd: its memory is used up. Transient.</summary>
        public const string OutOfMemory = "out_of_memory";

        /// <summary>hubd: too many requests. Transient.</summary>
        public const string RateLimited = "rate_limited";

        /// <summary>hubd: no such path; BaseUrl may be wrong.</summary>
        public const string NotFound = "not_found";

        /// <summary>hubd: an internal error.</summary>
        public const string InternalError = "internal_error";
    }
}
