-- wrk.lua - what wrk posts: one message, to one of the clients user-0, user-1
-- and so on, chosen at random for each request.
--
--   HUB_API_KEY=… wrk … -s wrk.lua URL -- CLIENTS PATH MESSAGE
--
-- A PATH with {user} in it gets the message alone. All requests are made
-- beforehand, so that next to nothing is done for each. The last line of the
-- output is a JSON object.

local requests = {}

function init(args)
   local clients, path, message = tonumber(args[1]), args[2], args[3]
   local is_named = path:find("{user}", 1, true)

   wrk.headers["X-API-Key"] = os.getenv("HUB_API_KEY")
   wrk.headers["Content-Type"] = "application/json"
   for i = 1, clients do
      local user = "user-" .. i - 1
      local body = is_named and message or string.format(
         '{"targetUserId":"%s","message":%s}', user, message)

      requests[i] = wrk.format("POST", (path:gsub("{user}", user)), nil, body)
   end
   math.randomseed(os.time())
end

function request()
   return requests[math.random(#requests)]
end

function done(summary, latency)
   local errors = summary.errors

   io.write(string.format(
      '{"seconds":%.6f,"answers":%d,"refused":%d,"broken":%d,' ..
         '"p50":%d,"p99":%d,"max":%d,"mean":%.3f}\n',
      summary.duration / 1e6, summary.requests, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99), latency.max,
      latency.mean))
end
