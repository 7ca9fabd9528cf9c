using System.Threading;
using System.Threading.Tasks;

namespace Hubd.Client
{
    /// <summary>
    /// Sends messages through hubd to the clients that are connected to it.
    /// </summary>
    /// <remarks>
    /// <para><b>Payloads</b> are converted to JSON before a method returns;
    /// later changes to the object have no effect. A <see cref="RawJson"/> is
    /// sent as it is, and null becomes the JSON null.</para>
    /// <para><b>Results.</b> A request that fails is a failure in the result,
    /// never an exception; <see cref="HubErrorCodes"/> lists the codes. Success
    /// means that hubd queued the message for that many connections, possibly
    /// 0; it does not mean that a browser has received it.</para>
    /// <para><b>Exceptions</b> report what the caller did: an
    /// ArgumentNullException for an id or type that is null, and an
    /// OperationCanceledException once the caller's token is cancelled. A
    /// request that was in flight then may or may not have been
    /// delivered.</para>
    /// <para><b>Retries.</b> A request is repeated only if it cannot have
    /// delivered anything, and only within <see
    /// cref="HubOptions.Timeout"/>.</para>
    /// <para><b>Threads:</b> any, concurrently. Messages of calls that were
    /// awaited one after the other arrive in that order.</para>
    /// </remarks>
    public interface IHubClient
    {
        /// <summary>Sends to all connections of a user.</summary>
        /// <param name="userId">1 to 256 bytes of UTF-8 without control
        /// characters.</param>
        /// <param name="payload">What becomes the message's payload.</param>
        /// <param name="messageType">The message's type; not empty.</param>
        /// <param name="ct">Ends the call with an
        /// OperationCanceledException.</param>
        /// <returns>How many connections it was queued for, or what went
        /// wrong.</returns>
        Task<HubResult> SendToUserAsync(
            string userId,
            object payload,
            string messageType,
            CancellationToken ct = default(CancellationToken));

        /// <summary>Sends to all connections of a session.</summary>
        /// <param name="sessionId">As a user id.</param>
        /// <param name="payload">What becomes the message's payload.</param>
        /// <param name="messageType">The message's type; not empty.</param>
        /// <param name="ct">Ends the call with an
        /// OperationCanceledException.</param>
        /// <returns>How many connections it was queued for, or what went
        /// wrong.</returns>
        Task<HubResult> SendToSessionAsync(
            string sessionId,
            object payload,
            string messageType,
            CancellationToken ct = default(CancellationToken));

        /// <summary>
        /// Sends to all connections of the user and all of the session; each
        /// gets it once.
        /// </summary>
        /// <param name="userId">1 to 256 bytes of UTF-8 without control
        /// characters.</param>
        /// <param name="sessionId">As a user id.</param>
        /// <param name="payload">What becomes the message's payload.</param>
        /// <param name="messageType">The message's type; not empty.</param>
        /// <param name="ct">Ends the call with an
        /// OperationCanceledException.</param>
        /// <returns>How many connections it was queued for, or what went
        /// wrong.</returns>
        Task<HubResult> SendToUserAndSessionAsync(
            string userId,
            string sessionId,
            object payload,
            string messageType,
            CancellationToken ct = default(CancellationToken));

        /// <summary>Sends to all connections.</summary>
        /// <param name="payload">What becomes the message's payload.</param>
        /// <param name="messageType">The message's type; not empty.</param>
        /// <param name="ct">Ends the call with an
        /// OperationCanceledException.</param>
        /// <returns>How many connections it was queued for, or what went
        /// wrong.</returns>
        Task<HubResult> BroadcastAsync(
            object payload,
            string messageType,
            CancellationToken ct = default(CancellationToken));

        /// <summary>
        /// Gets a ticket, with which a client can connect once as the user that
        /// the request names.
        /// </summary>
        /// <param name="request">Who the ticket is for.</param>
        /// <param name="ct">Ends the call with an
        /// OperationCanceledException.</param>
        /// <returns>The ticket, or what went wrong. A failure has no effect,
        /// so IsDeliveryUnknown is never set.</returns>
        Task<HubTicketResult> IssueTicketAsync(
            HubTicketRequest request,
            CancellationToken ct = default(CancellationToken));
    }
}
