namespace Hubd.Client
{
    /// <summary>Whom a message is for. Never changes.</summary>
    internal sealed class Target
    {
        public static readonly Target Everybody = new Target(null, null);

        private Target(string userId, string sessionId)
        {
            UserId = userId;
            SessionId = sessionId;
        }

        /// <summary>Null: not by user.</summary>
        public string UserId { get; }

        /// <summary>Null: not by session.</summary>
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
