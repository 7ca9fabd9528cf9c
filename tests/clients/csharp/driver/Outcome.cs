using System;
using Hubd.Client;
using Newtonsoft.Json.Linq;

namespace Driver
{
    /// <summary>What a call came to, for the test to read.</summary>
    internal static class Outcome
    {
        public static JObject Of(HubResult result)
        {
            var told = Of(result.IsSuccess, result.IsFailure, result.Error);

            told["text"] = $"{result} {told["text"]}";
            if (result.IsSuccess)
                told["recipients"] = result.Recipients;
            return told;
        }

        public static JObject Of(HubTicketResult result)
        {
            var told = Of(result.IsSuccess, result.IsFailure, result.Error);

            told["text"] = $"{result} {told["text"]}";
            if (result.IsSuccess)
            {
                told["ticket"] = result.Ticket;
                told["expires_in"] = result.ExpiresIn.TotalSeconds;
            }
            return told;
        }

        private static JObject Of(bool success, bool failure, HubError error)
        {
            return new JObject
            {
                ["success"] = success,
                ["failure"] = failure,
                ["code"] = error.Code,
                ["description"] = error.Description,
                ["status"] = error.Status,
                ["transient"] = error.IsTransient,
                ["unknown"] = error.IsDeliveryUnknown,
                ["retry_after"] = error.RetryAfter?.TotalSeconds,
                // All that a host may put into its logs.
                ["text"] = $"{error} {error.Cause}",
            };
        }

        public static JObject Of(Exception error)
        {
            var told = new JObject
            {
                ["exception"] = error.GetType().FullName,
                ["text"] = error.ToString(),
            };
            if (error is OperationCanceledException cancelled)
                told["token_cancelled"] =
                    cancelled.CancellationToken.IsCancellationRequested;
            return told;
        }
    }
}
