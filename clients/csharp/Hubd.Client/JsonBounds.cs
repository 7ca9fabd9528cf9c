namespace Hubd.Client
{
    /// <summary>
    /// Makes sure that a payload from elsewhere stays within the object that it
    /// is put into, so that <c>1},"targetUserId":"eve"</c> cannot become a
    /// target. That is all: hubd reads the whole as JSON.
    /// </summary>
    /// <remarks>
    /// It only looks for strings and brackets. Where that differs from a real
    /// parser, the text is not JSON, and hubd rejects it. A library's reader
    /// would reject too much (<c>1e400</c> is not a double) and take quadratic
    /// time for long numbers.
    /// </remarks>
    internal static class JsonBounds
    {
        /// <summary>What is wrong with the JSON, or null.</summary>
        public static string FindProblem(byte[] json)
        {
            var depth = 0;

            for (var i = 0; i < json.Length; i++)
            {
                switch ((char)json[i])
                {
                    case '"':
                        i = EndOfString(json, i);
                        if (i == json.Length)
                            return "it ends within a string";
                        break;
                    case '{':
                    case '[':
                        depth++;
                        break;
                    case '}':
                    case ']':
                        if (--depth < 0)
                            return $"byte {i} closes what was never opened";
                        break;
                    case ',':
                    case ':':
                        if (depth == 0)
                            return $"byte {i} begins a second value";
                        break;
                }
            }
            return depth == 0 ? null : "it ends within an object or array";
        }

        /// <summary>Where the string that begins at i ends; the length if it is
        /// unterminated.</summary>
        private static int EndOfString(byte[] json, int i)
        {
            for (i++; i < json.Length && json[i] != '"'; i++)
            {
                if (json[i] == '\\')
                    i++;
            }
            return i < json.Length ? i : json.Length;
        }
    }
}
