using System;
using Newtonsoft.Json.Linq;

namespace Hubd.Client
{
    /// <summary>
    /// What is posted, and how hubd's answer is read. Immutable; threads: any.
    /// </summary>
    internal sealed class Request<T>
    {
        private readonly Func<JObject, Outcome<T>> _read;

        public Request(
            Uri url,
            byte[] body,
            bool isRepeatable,
            Func<JObject, Outcome<T>> read)
        {
            Url = url;
            Body = body;
            IsRepeatable = isRepeatable;
            _read = read;
        }

        public Uri Url { get; }

        public byte[] Body { get; }

        /// <summary>Whether doing it twice does no harm.</summary>
        public bool IsRepeatable { get; }

        /// <summary>Null if the answer is not what hubd says on
        /// success.</summary>
        public Outcome<T> Read(JObject answer)
        {
            return _read(answer);
        }
    }
}
