namespace Hubd.Client
{
    /// <summary>Whom a message is for. Immutable.</summary>
    internal sealed class Target
    {
        public static readonly Target Everybody = new Target(null, null);

        private Target(string userId, string sessionId)
        {
            UserId = userId;
            SessionId = sessionId;
        }

        /// <summary>Null: no user is targeted.</summary>
        public string UserId { get; }

        /// <summary>Null: no session is targeted.</summary>
        public string SessionId { get; }

        public static Target User(string id)
        {
            return new Target(id, null);
        }

        public static Target Session(string id)
        {
            return new Target(null, id);
        }

        public static Target Both(string userId, string sessionId)
        {
            return new Target(userId, sessionId);
        }
    }
}
