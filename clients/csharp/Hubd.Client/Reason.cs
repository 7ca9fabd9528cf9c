using System;

namespace Hubd.Client
{
    /// <summary>Exception messages as parts of a description.</summary>
    internal static class Reason
    {
        /// <summary>On one line, which not all messages are.</summary>
        public static string Of(Exception cause)
        {
            return string.Join(" ", cause.Message.Split(
                (char[])null, StringSplitOptions.RemoveEmptyEntries));
        }

        /// <summary>The message of the innermost exception: the outer ones
        /// often say only that something failed.</summary>
        public static string Innermost(Exception cause)
        {
            return Of(cause.GetBaseException());
        }
    }
}
