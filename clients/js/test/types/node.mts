// Without the types of a page, and with the WebSocket of the package ws.
import { HubClient, type WebSocketConstructor } from "hub-client";
import WebSocketDefault, { WebSocket } from "ws";

const constructors: WebSocketConstructor[] = [WebSocket, WebSocketDefault];
const hub = new HubClient("wss://hub.example.com/ws", {
  userId: "ada",
  WebSocket,
});
hub.on("note", (payload) => console.log(payload, constructors));
hub.start();
await hub.opened();
