// Code that must compile in a page, and, where an error is expected, code that
// must not.
import {
  HubClient,
  HubClosedError,
  shouldReconnect,
  type HubClientOptions,
  type HubHello,
  type HubMessage,
  type HubState,
  type HubStateDetail,
} from "hub-client";

interface Payloads {
  note: { text: string };
  count: number;
}

const options: HubClientOptions = {
  userId: "ada",
  sessionId: "tab-1",
  WebSocket,
  baseDelayMs: 500,
  shouldReconnect: (code, reason) =>
    reason !== "" && (code === 1008 || shouldReconnect(code)),
  onError: (error, context) => {
    if (context.source === "frame") console.log(context.data, error);
    if (context.source === "handler") console.log(context.message.type);
    // @ts-expect-error: only frames have data
    if (context.source === "state") console.log(context.data);
  },
};

const hub = new HubClient<Payloads>("/ws", options);
const off: () => void = hub.on("note", (payload, message, text) => {
  const words: string = payload.text;
  const when: string = message.timestamp;
  const other: unknown = message.other;
  console.log(words, when, other, text.length, message.type === "note");
});
hub.on("count", async (payload) => payload.toFixed());
hub.on("*", (payload, message) => {
  if (message.type === "count") message.payload.toFixed();
  else message.payload.text.trim();
  console.log(payload);
});
// @ts-expect-error: there is no such type of message
hub.on("nota", () => {});
// @ts-expect-error: its payload is a number
hub.on("count", (payload: string) => payload);

const offState = hub.onState((state: HubState, detail: HubStateDetail) => {
  if (state === "waiting") console.log(detail.delayMs?.toFixed());
  // @ts-expect-error: there is no such state
  if (state === "opened") return;
  // @ts-expect-error: details are not for changing
  detail.attempt = 0;
});

hub.start();
await hub.opened().catch((error: unknown) => {
  if (error instanceof HubClosedError) console.log(error.code, error.reason);
});
hub.stop();
off();
offState();
// @ts-expect-error: the state is not for setting
hub.state = "open";

// Without types of payloads, all are possible.
const loose = new HubClient(async () => new URL("wss://hub.example.com/ws"), {
  userId: "ada",
  sessionId: undefined,
  onError: null,
});
loose.on("note", (payload: { text: string }, message: HubMessage) => {
  console.log(payload.text, message.payload);
});
loose.on("anything", (payload) => payload.at.all);
console.log(HubClient.defaults.maxDelayMs.toFixed());

const known = new HubClient("/ws", {
  token: async () => (await fetch("/token")).text(),
  onError: (error, context) => {
    if (context.source === "token") console.log(error);
  },
});
known.onState((state, { hello }) => {
  if (state === "open") console.log(hello?.userId, hello?.expiresInMs);
});
const hello: HubHello | null = known.hello;
console.log(hello?.connectionId.length);
new HubClient("/ws", { ticket: () => "t", sessionId: "tab-1" });
new HubClient("/ws", { token: "t", userId: null });
new HubClient("/ws", { userId: "ada", controls: true });

// @ts-expect-error: a ticket is good for one connection only
new HubClient("/ws", { ticket: "t" });
// @ts-expect-error: a token is text
new HubClient("/ws", { token: () => 7 });
// @ts-expect-error: ids are strings
new HubClient("/ws", { userId: 7 });
// @ts-expect-error: there is no such option
new HubClient("/ws", { userId: "ada", userID: "ada" });
// @ts-expect-error: that is no WebSocket
new HubClient("/ws", { userId: "ada", WebSocket: Date });
