namespace Hubd.Client
{
    /// <summary>A value, or an error. Immutable; threads: any.</summary>
    internal sealed class Outcome<T>
    {
        public Outcome(T value)
        {
            Value = value;
            Error = HubError.None;
        }

        public Outcome(HubError error)
        {
            Error = error;
        }

        public T Value { get; }

        /// <summary><see cref="HubError.None"/> if there is a
        /// value.</summary>
        public HubError Error { get; }
    }
}
