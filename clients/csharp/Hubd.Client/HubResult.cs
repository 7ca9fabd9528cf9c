using System;

namespace Hubd.Client
{
    /// <summary>
    /// What became of one call: the number of recipients, or an error. Never
    /// changes; threads: any.
    /// </summary>
    public sealed class HubResult
    {
        private readonly int _recipients;

        private HubResult(int recipients, HubError error)
        {
            _recipients = recipients;
            Error = error;
        }

        /// <summary>Whether hubd took the message.</summary>
        public bool IsSuccess => Error == HubError.None;

        /// <summary>Whether there is an <see cref="Error"/>.</summary>
        public bool IsFailure => !IsSuccess;

        /// <summary>
        /// How many connections the message was queued for; 0 when nobody was
        /// there.
        /// </summary>
        /// <exception cref="InvalidOperationException">The call failed, so that
        /// there is no number.</exception>
        public int Recipients => IsSuccess
            ? _recipients
            : throw new InvalidOperationException(
                $"a failed call has no recipients: {Error}");

        /// <summary>
        /// What went wrong; <see cref="HubError.None"/> if nothing did.
        /// </summary>
        public HubError Error { get; }

        /// <summary>A result as of a call that succeeded, also for
        /// tests.</summary>
        /// <param name="recipients">0 or more.</param>
        /// <returns>The result.</returns>
        public static HubResult Success(int recipients)
        {
            if (recipients < 0)
                throw new ArgumentOutOfRangeException(nameof(recipients));
            return new HubResult(recipients, HubError.None);
        }

        /// <summary>A result as of a call that failed, also for
        /// tests.</summary>
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

        /// <summary>For logs; holds no key and no payload.</summary>
        /// <returns>One line.</returns>
        public override string ToString()
        {
            return IsSuccess ? $"recipients: {_recipients}" : Error.ToString();
        }
    }
}
