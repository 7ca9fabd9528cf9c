using System;
using System.Threading;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hubd.Client.DependencyInjection
{
    /// <summary>
    /// The current options. If a change of the configuration makes them
    /// invalid, for example because the file is just being written, the
    /// previous ones stay in use. Threads: any.
    /// </summary>
    internal sealed class HubOptionsSource
    {
        private readonly IOptionsMonitor<HubOptions> _monitor;
        private readonly ILogger<HubClient> _logger;
        private volatile HubOptions _last;
        private int _hasWarned;

        public HubOptionsSource(
            IOptionsMonitor<HubOptions> monitor, ILogger<HubClient> logger)
        {
            _monitor = monitor;
            _logger = logger;
        }

        /// <summary>Throws only if the options have never been valid.</summary>
        public HubOptions Read()
        {
            try
            {
                _last = _monitor.CurrentValue;
                Volatile.Write(ref _hasWarned, 0);
            }
            catch (Exception cause) when (_last != null)
            {
                if (Interlocked.Exchange(ref _hasWarned, 1) == 0)
                    _logger.LogWarning(
                        "The new settings of the hub client are invalid; the " +
                            "old ones stay in use: {Problem}",
                        Problem(cause));
            }
            return _last;
        }

        private static string Problem(Exception cause)
        {
            return cause is OptionsValidationException invalid
                ? string.Join("; ", invalid.Failures)
                : cause.Message;
        }
    }
}
