using System;

namespace Hubd.Client
{
    /// <summary>
    /// The outcome of asking for a ticket: the ticket, or an error. Immutable;
    /// threads: any.
    /// </summary>
    public sealed class HubTicketResult
    {
        private readonly string _ticket;
        private readonly TimeSpan _expiresIn;

        private HubTicketResult(
            string ticket, TimeSpan expiresIn, HubError error)
        {
            _ticket = ticket;
            _expiresIn = expiresIn;
            Error = error;
        }

        /// <summary>Whether there is a ticket.</summary>
        public bool IsSuccess => Error == HubError.None;

        /// <summary>Whether there is an <see cref="Error"/>.</summary>
        public bool IsFailure => !IsSuccess;

        /// <summary>
        /// What the client connects with. Whoever has it is that user, until it
        /// is used or has expired: do not log it.
        /// </summary>
        /// <exception cref="InvalidOperationException">The call
        /// failed.</exception>
        public string Ticket => IsSuccess ? _ticket : throw NoTicket();

        /// <summary>How long the ticket is valid, counted from hubd's
        /// answer.</summary>
        /// <exception cref="InvalidOperationException">The call
        /// failed.</exception>
        public TimeSpan ExpiresIn => IsSuccess ? _expiresIn : throw NoTicket();

        /// <summary>
        /// What went wrong; <see cref="HubError.None"/> if nothing did.
        /// </summary>
        public HubError Error { get; }

        /// <summary>The result of a call that succeeded, for tests
        /// too.</summary>
        /// <param name="ticket">The ticket.</param>
        /// <param name="expiresIn">How long it is valid.</param>
        /// <returns>The result.</returns>
        public static HubTicketResult Success(string ticket, TimeSpan expiresIn)
        {
            if (ticket == null)
                throw new ArgumentNullException(nameof(ticket));
            return new HubTicketResult(ticket, expiresIn, HubError.None);
        }

        /// <summary>The result of a call that failed, for tests too.</summary>
        /// <param name="error">Why; not <see cref="HubError.None"/>.</param>
        /// <returns>The result.</returns>
        public static HubTicketResult Failure(HubError error)
        {
            if (error == null)
                throw new ArgumentNullException(nameof(error));
            if (error == HubError.None)
                throw new ArgumentException("a failure needs an error",
                    nameof(error));
            return new HubTicketResult(null, TimeSpan.Zero, error);
        }

        /// <summary>For logs; contains neither key nor ticket.</summary>
        /// <returns>One line.</returns>
        public override string ToString()
        {
            return IsSuccess ? $"expires in: {_expiresIn}" : Error.ToString();
        }

        private InvalidOperationException NoTicket()
        {
            return new InvalidOperationException(
                $"a failed call has no ticket: {Error}");
        }
    }
}
