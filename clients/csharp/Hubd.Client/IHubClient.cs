using System.Threading;
using System.Threading.Tasks;

namespace Hubd.Client
{
    /// <summary>
    /// Sends messages through hubd to the clients that are connected to it.
    /// </summary>
    /// <remarks>
    /// <para><b>Payloads</b> are turned into JSON before a method returns; what
    /// happens to the object afterwards changes nothing. A
    /// <see cref="RawJson"/> goes out as it is, and null becomes the JSON
    /// null.</para>
    /// <para><b>Results.</b> What goes wrong with a request is a failure in the
    /// result, never an exception; <see cref="HubErrorCodes"/> lists the codes.
    /// Success means that hubd queued the message for so many connections, 0
    /// included: it does not mean that a browser has shown it.</para>
    /// <para><b>Exceptions</b> tell of the caller's doing: an
    /// ArgumentNullException for an id or type that is null, and an
    /// OperationCanceledException once the caller's token is cancelled. A
    /// request that was on its way then may have been delivered or not.</para>
    /// <para><b>Repeats.</b> A request is repeated only if nothing can have
    /// been delivered from it, and only within
    /// <see cref="HubOptions.Timeout"/>.</para>
    /// <para><b>Threads:</b> any, at once. Messages of calls that were awaited
    /// one after the other arrive in that order.</para>
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
        /// Sends to all connections that are of the user, of the session, or of
        /// both; each gets it once.
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

        /// <summary>Sends to everybody who is connected.</summary>
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
    }
}
