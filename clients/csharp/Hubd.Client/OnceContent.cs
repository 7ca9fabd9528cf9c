using System;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading;
using System.Threading.Tasks;

namespace Hubd.Client
{
    /// <summary>
    /// A body that knows whether anybody began to send it, that is sent once at
    /// most, and that can be withdrawn until then.
    /// </summary>
    /// <remarks>
    /// Handlers ask for the body when they have a connection. Until then hubd
    /// cannot have delivered anything, whatever went wrong; from then on it
    /// may. That it refuses to be sent again holds off handlers below the
    /// client that repeat requests, such as those of Polly, which an
    /// application may have put on all its HttpClients. Threads: any.
    /// </remarks>
    internal sealed class OnceContent : HttpContent
    {
        private const int Waiting = 0;
        private const int Begun = 1;
        private const int Withdrawn = 2;

        private readonly byte[] _bytes;
        private int _state = Waiting;

        public OnceContent(byte[] bytes)
        {
            _bytes = bytes;
            Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        public int Length => _bytes.Length;

        /// <summary>Whether hubd can neither have got any of it nor will: false
        /// if somebody has begun to send it.</summary>
        public bool Withdraw()
        {
            return Interlocked.CompareExchange(
                ref _state, Withdrawn, Waiting) != Begun;
        }

        protected override Task SerializeToStreamAsync(
            Stream stream, TransportContext context)
        {
            if (Interlocked.CompareExchange(
                ref _state, Begun, Waiting) != Waiting)
                throw new InvalidOperationException(
                    "the request was sent before, or is not wanted any more");
            return stream.WriteAsync(_bytes, 0, _bytes.Length);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
