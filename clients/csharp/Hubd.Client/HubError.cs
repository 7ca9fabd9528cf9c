using System;

namespace Hubd.Client
{
    /// <summary>
    /// Why a call failed, and what is known about the message. Immutable;
    /// threads: any.
    /// </summary>
    public sealed class HubError
    {
        /// <summary>The error of a call that succeeded; its texts are
        /// empty.</summary>
        public static readonly HubError None =
            new HubError(string.Empty, string.Empty);

        /// <summary>Creates an error, for tests too.</summary>
        /// <param name="code">One of <see cref="HubErrorCodes"/>, or another
        /// code of hubd.</param>
        /// <param name="description">What is wrong, for people.</param>
        /// <param name="status">hubd's HTTP status.</param>
        /// <param name="isTransient">See <see cref="IsTransient"/>.</param>
        /// <param name="isDeliveryUnknown">See <see
        /// cref="IsDeliveryUnknown"/>.</param>
        /// <param name="retryAfter">See <see cref="RetryAfter"/>.</param>
        /// <param name="cause">See <see cref="Cause"/>.</param>
        public HubError(
            string code,
            string description,
            int? status = null,
            bool isTransient = false,
            bool isDeliveryUnknown = false,
            TimeSpan? retryAfter = null,
            Exception cause = null)
        {
            Code = code ?? throw new ArgumentNullException(nameof(code));
            Description = description ??
                throw new ArgumentNullException(nameof(description));
            Status = status;
            IsTransient = isTransient;
            IsDeliveryUnknown = isDeliveryUnknown;
            RetryAfter = retryAfter;
            Cause = cause;
        }

        /// <summary>
        /// hubd's <c>code</c>, or one of the client's own:
        /// <see cref="HubErrorCodes"/>.
        /// </summary>
        public string Code { get; }

        /// <summary>What is wrong, for people. Never contains the
        /// key.</summary>
        public string Description { get; }

        /// <summary>The HTTP status of the answer; null if there was
        /// none.</summary>
        public int? Status { get; }

        /// <summary>
        /// Whether nothing was delivered, and the same call may succeed later.
        /// </summary>
        public bool IsTransient { get; }

        /// <summary>
        /// Whether the message may have been delivered. Sending it again may
        /// deliver it twice. If this is false, nothing was delivered.
        /// </summary>
        public bool IsDeliveryUnknown { get; }

        /// <summary>How long hubd asks to wait; null if it does not
        /// say.</summary>
        public TimeSpan? RetryAfter { get; }

        /// <summary>The exception behind it, if there was one.</summary>
        public Exception Cause { get; }

        /// <summary>Code and description.</summary>
        /// <returns>One line.</returns>
        public override string ToString()
        {
            return $"{Code}: {Description}";
        }
    }
}
