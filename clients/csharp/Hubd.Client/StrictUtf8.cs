using System.Text;

namespace Hubd.Client
{
    /// <summary>UTF-8 without replacement characters.</summary>
    internal static class StrictUtf8
    {
        private static readonly Encoding Strict = new UTF8Encoding(
            encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

        /// <summary>Throws EncoderFallbackException on an unpaired
        /// surrogate.</summary>
        public static byte[] GetBytes(string text)
        {
            return Strict.GetBytes(text);
        }

        public static bool CanEncode(string text)
        {
            try
            {
                Strict.GetByteCount(text);
                return true;
            }
            catch (EncoderFallbackException)
            {
                return false;
            }
        }
    }
}
