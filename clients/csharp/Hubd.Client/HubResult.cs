using System;

namespace Hubd.Client
{
    /// <summary>
    /// The outcome of one call: the number of recipients, or an error.
    /// Immutable; threads: any.
    /// </summary>
    public sealed class HubResult
    {
        private readonly int _recipients;

        private HubResult(int recipients, HubError error)
        {
            _recipients = recipients;
            Error = error;
        }

        /// <summary>Whether hubd accepted the message.</summary>
        public bool IsSuccess => Error == HubError.None;

        /// <summary>Whether there is an <see cref="Error"/>.</summary>
        public bool IsFailure => !IsSuccess;

        /// <summary>
        /// How many connections the message was queued for; 0 if nobody was
        /// connected.
        /// </summary>
        /// <exception cref="InvalidOperationException">The call failed, so
        /// there is no number.</exception>
        public int Recipients => IsSuccess
            ? _recipients
            : throw new InvalidOperationException(
                $"a failed call has no recipients: {Error}");

        /// <summary>
        /// What went wrong; <see cref="HubError.None"/> if nothing did.
        /// </summary>
        public HubError Error { get; }

        /// <summary>The result of a call that succeeded, for tests
        /// too.</summary>
        /// <param name="recipients">0 or more.</param>
        /// <returns>The result.</returns>
        public static HubResult Success(int recipients)
        {
            if (recipients < 0)
                throw new ArgumentOutOfRangeException(nameof(recipients));
            return new HubResult(recipients, HubError.None);
        }

        /// <summary>The result of a call that failed, for tests too.</summary>
        /// <param name="error">Why; not <see cref="HubError.None"/>.</param>
        /// <returns>The result.</returns>
        public static HubResult Failure(HubError error)
        {
            if (error == null)
                throw new ArgumentNullException(nameof(error));
            if (error == HubError.None)
                throw new ArgumentException("a failure needs an error",
                    nameof(error));
            return new HubResult(0, error);
        }

        /// <summary>For logs; contains neither key nor payload.</summary>
        /// <returns>One line.</returns>
        public override string ToString()
        {
            return IsSuccess ? $"recipients: {_recipients}" : Error.ToString();
        }
    }
}
