using System;
using System.Collections.Generic;

namespace Microsoft.Extensions.Logging
{
    public interface ILogger
    {
    }

    public interface ILogger<out TCategoryName> : ILogger
    {
    }

    internal sealed class Logger<T> : ILogger<T>
    {
    }

    public static class LoggerExtensions
    {
        public static readonly List<string> Warnings = new List<string>();

        public static void LogWarning(
            this ILogger logger, string message, params object[] args)
        {
            Warnings.Add($"{message} / {string.Join(", ", args)}");
        }
    }
}
