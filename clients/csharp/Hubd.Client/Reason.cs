using System;

namespace Hubd.Client
{
    /// <summary>Texts of exceptions as parts of a description.</summary>
    internal static class Reason
    {
        /// <summary>In one line, which not all of them are.</summary>
        public static string Of(Exception cause)
        {
            return string.Join(" ", cause.Message.Split(
                (char[])null, StringSplitOptions.RemoveEmptyEntries));
        }

        /// <summary>That of the innermost: those around it often say no more
        /// than that something failed.</summary>
        public static string Innermost(Exception cause)
        {
            return Of(cause.GetBaseException());
        }
    }
}
