using System;
using System.Diagnostics;

namespace Hubd.Client
{
    /// <summary>
    /// How long to wait before the next attempt, and whether there is time for
    /// one: 100 ms, doubled each time up to 2 s, half of it random so that
    /// backends do not all come back at once; longer if hubd asks for it.
    /// Threads: one; each call has its own.
    /// </summary>
    internal sealed class RetrySchedule
    {
        private const double FirstMs = 100;
        private const double LongestMs = 2000;

        private static readonly Random Dice = new Random();

        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private readonly TimeSpan _timeout;
        private double _waitMs = FirstMs;

        public RetrySchedule(TimeSpan timeout)
        {
            _timeout = timeout;
        }

        /// <summary>Never below zero.</summary>
        public TimeSpan Left
        {
            get
            {
                var left = _timeout - _clock.Elapsed;
                return left > TimeSpan.Zero ? left : TimeSpan.Zero;
            }
        }

        /// <summary>The wait; null if the time would have run out by
        /// then.</summary>
        public TimeSpan? Next(TimeSpan? retryAfter)
        {
            var wait = TimeSpan.FromMilliseconds(
                _waitMs * (0.5 + 0.5 * Roll()));

            _waitMs = Math.Min(2 * _waitMs, LongestMs);
            // What hubd asks for is a minimum, and the same for every backend.
            if (retryAfter != null)
                wait += retryAfter.Value;
            return wait < Left ? wait : (TimeSpan?)null;
        }

        private static double Roll()
        {
            lock (Dice)
                return Dice.NextDouble();
        }
    }
}
