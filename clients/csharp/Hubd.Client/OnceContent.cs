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
    /// A body that knows whether sending has begun, that is sent at most once,
    /// and that can be withdrawn before that.
    /// </summary>
    /// <remarks>
    /// Handlers ask for the body once they have a connection. Until then hubd
    /// cannot have delivered anything, whatever went wrong; from then on it may
    /// have. Refusing to be sent again stops handlers below the client that
    /// repeat requests, such as those of Polly, which an application may have
    /// added to all its HttpClients. Threads: any.
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

        /// <summary>Makes sure that none of it will be sent. Returns false if
        /// sending has already begun.</summary>
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
                    "the request was already sent, or was withdrawn");
            return stream.WriteAsync(_bytes, 0, _bytes.Length);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
