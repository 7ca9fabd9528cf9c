using System;

namespace Hubd.Client
{
    /// <summary>
    /// Who a ticket is for, and how it may be used. Read when it is passed to
    /// <see cref="IHubClient.IssueTicketAsync"/>; later changes have no effect.
    /// </summary>
    public sealed class HubTicketRequest
    {
        /// <summary>A request for a ticket of that user.</summary>
        /// <param name="userId">1 to 256 bytes of UTF-8 without control
        /// characters.</param>
        public HubTicketRequest(string userId)
        {
            UserId = userId ?? throw new ArgumentNullException(nameof(userId));
        }

        /// <summary>Who the client is.</summary>
        public string UserId { get; }

        /// <summary>Its session; null: none.</summary>
        public string SessionId { get; set; }

        /// <summary>How long the ticket is valid: 1 second to 5 minutes; null:
        /// as long as hubd's <c>HUB_TICKET_TTL</c> says.</summary>
        public TimeSpan? TimeToLive { get; set; }

        /// <summary>How long the connection may last: at least 1 second; null:
        /// without an end.</summary>
        public TimeSpan? ConnectionTimeToLive { get; set; }

        /// <summary>The only origin whose pages may use the ticket, such as
        /// <c>https://app.example.com</c>; null: any that hubd allows.
        /// </summary>
        public string Origin { get; set; }
    }
}
