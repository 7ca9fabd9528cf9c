using System;
using System.Text;

namespace Hubd.Client
{
    /// <summary>
    /// A payload that is already JSON. Clients receive it byte for byte: member
    /// order, spacing, number spelling (<c>12345678901234567890</c>,
    /// <c>1.10</c>), escapes. Immutable; threads: any.
    /// </summary>
    /// <remarks>
    /// Whether it is valid JSON is checked by hubd: if not, the call fails with
    /// <see cref="HubErrorCodes.InvalidJson"/>. A text that would not stay
    /// within the payload fails with <see cref="HubErrorCodes.InvalidPayload"/>
    /// and is not sent.
    /// </remarks>
    public sealed class RawJson
    {
        private readonly byte[] _utf8;
        private readonly string _text;

        /// <summary>JSON as text.</summary>
        /// <param name="json">One JSON value.</param>
        public RawJson(string json)
        {
            _text = json ?? throw new ArgumentNullException(nameof(json));
        }

        /// <summary>JSON as UTF-8; a copy is taken.</summary>
        /// <param name="utf8">One JSON value without a byte order mark.</param>
        public RawJson(byte[] utf8)
        {
            if (utf8 == null)
                throw new ArgumentNullException(nameof(utf8));
            _utf8 = (byte[])utf8.Clone();
        }

        /// <summary>The JSON.</summary>
        /// <returns>The text, as it is sent.</returns>
        public override string ToString()
        {
            return _text ?? Encoding.UTF8.GetString(_utf8);
        }

        /// <summary>Throws EncoderFallbackException on an unpaired
        /// surrogate.</summary>
        internal byte[] ToUtf8()
        {
            return _utf8 ?? StrictUtf8.GetBytes(_text);
        }
    }
}
