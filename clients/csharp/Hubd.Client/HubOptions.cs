using System;

namespace Hubd.Client
{
    /// <summary>
    /// Where hubd is and how to talk to it. The properties are those of the
    /// section <c>Hub</c> in <c>appsettings.json</c>.
    /// </summary>
    /// <remarks>
    /// A <see cref="HubClient"/> takes a copy: changing an object that is in
    /// use has no effect on it.
    /// </remarks>
    public sealed class HubOptions
    {
        /// <summary>
        /// hubd's address as an http or https URL, with or without a trailing
        /// slash; its path, if any, is put in front of <c>/api/…</c>. Required.
        /// </summary>
        public string BaseUrl { get; set; }

        /// <summary>
        /// hubd's <c>HUB_API_KEY</c>: 1 to 4096 visible ASCII characters.
        /// Required.
        /// </summary>
        public string ApiKey { get; set; }

        /// <summary>
        /// How long a call may take, including all its attempts, the waits
        /// between them, and the wait for a free connection. Default: 10
        /// seconds; at most a day.
        /// </summary>
        public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

        /// <summary>
        /// Whether a request that delivered nothing is repeated while there is
        /// time. Default: true.
        /// </summary>
        public bool Retry { get; set; } = true;

        /// <summary>
        /// How many connections to hubd may be open at once; further calls wait
        /// for one. Default: 32. Each takes one of hubd's workers, of which
        /// there are at most 512 for all backends together.
        /// </summary>
        public int MaxConnections { get; set; } = 32;

        /// <summary>
        /// Whether to go through the proxy of the environment
        /// (<c>http_proxy</c> and the like) or the system. Default: false,
        /// because over http a proxy would see the key, and most are not meant
        /// for reaching a hubd nearby.
        /// </summary>
        public bool UseProxy { get; set; }

        /// <summary>
        /// Converts payloads to JSON, instead of Newtonsoft.Json with camelCase
        /// properties; not used for <see cref="RawJson"/> and null. Threads:
        /// called on the caller's thread, concurrently. An exception it throws
        /// becomes a failure with <see cref="HubErrorCodes.InvalidPayload"/>.
        /// </summary>
        public Func<object, string> SerializePayload { get; set; }

        /// <summary>
        /// What is wrong with these settings, in one sentence that names the
        /// property, or null. It never contains the key.
        /// </summary>
        /// <returns>The sentence, or null.</returns>
        public string FindProblem()
        {
            string problem;
            HubSettings.Read(this, out problem);
            return problem;
        }

        /// <summary>The settings except for the key.</summary>
        /// <returns>One line.</returns>
        public override string ToString()
        {
            var baseUrl = HubSettings.ReadBaseUrl(BaseUrl, out _);
            return $"BaseUrl={baseUrl?.ToString() ?? "(invalid)"}, " +
                $"ApiKey={(ApiKey == null ? "(none)" : "***")}, " +
                $"Timeout={Timeout}, Retry={Retry}, " +
                $"MaxConnections={MaxConnections}, UseProxy={UseProxy}";
        }
    }
}
