/** hub-client.d.ts - the types of hub-client.js, which README.md explains. */

/** A message as hubd delivers it: the object that the backend posted. */
export interface HubMessage<Type extends string = string, Payload = any> {
  type: Type;
  payload: Payload;
  /** In RFC 3339 format; hubd adds it if the backend did not. */
  timestamp: string;
  /** Whatever else the backend put in. */
  [member: string]: any;
}

/**
 * `text` is the frame itself, for numbers that JavaScript cannot hold.
 * What a handler throws, directly or from a promise, goes to `onError`.
 */
export type MessageHandler<Type extends string = string, Payload = any> = (
  payload: Payload,
  message: HubMessage<Type, Payload>,
  text: string,
) => unknown;

/**
 * - `idle`: never started
 * - `connecting`: an attempt is under way
 * - `open`: connected; messages come in
 * - `waiting`: for the next attempt
 * - `closed`: ended for good, until `start()` is called
 */
export type HubState = "idle" | "connecting" | "open" | "waiting" | "closed";

/* * The hub's hello on a connection that uses hub.v1. */
export interface HubHello {
  /* * Random; never reused for another connection. */
  readonly connectionId: string;
  /* * The client's user id; with a token, the one in the token. */
  readonly userId: string;
  readonly sessionId?: string;
  /* * How long the token or ticket was valid at that time; unset: no limit. */
  readonly expiresInMs?: number;
  readonly pingIntervalMs: number;
}

export interface HubStateDetail {
  /**
   * How many attempts there have been in a row without a connection that lasted
   * `stableMs`, the present one included; 0 when one that lasted has ended.
   */
  readonly attempt: number;
  /**
   * `waiting`, `closed`: how the connection or the attempt ended. 1006 means
   * that no Close frame came, as with all failed attempts; 1000 with the reason
   * `stopped` means `stop()`.
   */
  readonly code?: number;
  /** `waiting`, `closed`: the reason in the Close frame, often empty. */
  readonly reason?: string;
  /** `waiting`: milliseconds until the next attempt. */
  readonly delayMs?: number;
  /** `waiting`: whether the hub said when to come back. */
  readonly hinted?: boolean;
  /** `waiting`, `closed`: what went wrong, as far as is known. */
  readonly error?: unknown;
  /* * `open`: the hub's hello, with hub.v1. */
  readonly hello?: HubHello;
}

export type StateHandler = (state: HubState, detail: HubStateDetail) => unknown;

/** What was going on when an error occurred. */
export type ErrorContext =
  /** A handler of `on()` threw. */
  | { source: "handler"; message: HubMessage }
  /** A frame was not a message, and was ignored. */
  | { source: "frame"; data: unknown }
  /** A handler of `onState()` threw. */
  | { source: "state" }
  /** The option `shouldReconnect` threw; the default was used. */
  | { source: "shouldReconnect" }
  /* * The function of that name threw or returned no string, or the hub
   * rejected the new token of an open connection. */
  | { source: "token" | "ticket" }
  /** The page may not open this WebSocket; the client is `closed`. */
  | { source: "connect" };

/** The part of a WebSocket that the client needs. */
export interface WebSocketLike {
  onopen: ((event: any) => any) | null;
  onmessage: ((event: any) => any) | null;
  onerror: ((event: any) => any) | null;
  onclose: ((event: any) => any) | null;
  close(code?: number): void;
  /** These are needed for hub.v1. */
  send?(data: string): void;
  readonly protocol?: string;
}

export type WebSocketConstructor = new (
  url: string,
  protocols?: string[],
) => WebSocketLike;

/** Null and undefined count as absent. */
type Maybe<Value> = Value | null | undefined;

export interface HubClientOptions {
  /**
   * 1 to 256 bytes of UTF-8 without control characters. Required for plain
   * clients.
   */
  userId?: Maybe<string>;
  /** The same rules as for `userId`; connections may share it. */
  sessionId?: Maybe<string>;
  /* * Authenticates the client; cannot be combined with `ticket`. A function is
   * called before each attempt, and when the token of an open connection
   * expires. */
  token?: Maybe<string | (() => string | Promise<string>)>;
  /* * Called before each attempt for a ticket, which is valid for one
   * connection. */
  ticket?: Maybe<() => string | Promise<string>>;
  /* * Whether to use hub.v1 even without a token or ticket. */
  controls?: Maybe<boolean>;
  /** Default: `globalThis.WebSocket`, which Node has since version 22. */
  WebSocket?: Maybe<WebSocketConstructor>;
  /** A delay is random, up to a limit: this at first, then doubled. */
  baseDelayMs?: Maybe<number>;
  /** What that limit doubles up to. */
  maxDelayMs?: Maybe<number>;
  /** How long a connection must last for delays to start over. */
  stableMs?: Maybe<number>;
  /** The longest wait the hub can ask for. */
  maxHintMs?: Maybe<number>;
  /** How long an attempt may take; 0: as long as the platform allows. */
  connectTimeoutMs?: Maybe<number>;
  /**
   * A connection is given up when nothing came for this long; 0: never.
   * Browsers hide pings, so in the page of a plain client only messages count.
   */
  idleTimeoutMs?: Maybe<number>;
  /** Whether to reconnect after a connection was closed with this code. */
  shouldReconnect?: Maybe<(code: number, reason: string) => boolean>;
  /** Without it, errors of handlers are reported as for event handlers. */
  onError?: Maybe<(error: unknown, context: ErrorContext) => unknown>;
}

/** One of the messages of `Payloads`; its `type` says which. */
export type AnyMessage<Payloads extends object> = {
  [Type in keyof Payloads & string]: HubMessage<Type, Payloads[Type]>;
}[keyof Payloads & string];

/** A URL with http, https, ws or wss; in pages also a relative one. */
export type HubUrl = string | URL;

/**
 * `Payloads` may name the message types and the types of their payloads:
 * `new HubClient<{ note: { text: string } }>(…)`.
 */
export class HubClient<Payloads extends object = Record<string, any>> {
  static readonly defaults: Readonly<{
    baseDelayMs: number;
    maxDelayMs: number;
    stableMs: number;
    maxHintMs: number;
    connectTimeoutMs: number;
    idleTimeoutMs: number;
  }>;

  /**
   * @param url where `/ws` of hubd is, or a function that is called before each
   *   attempt, for instance to put a fresh token into the query
   * @throws TypeError, RangeError: an option or the URL is wrong
   */
  constructor(
    url: HubUrl | (() => HubUrl | Promise<HubUrl>),
    options: HubClientOptions,
  );

  readonly state: HubState;

  /* * Null unless the state is `open` and the connection uses hub.v1. */
  readonly hello: HubHello | null;

  /**
   * Calls the handler for each message of a type, or, with `"*"`, for each
   * message, now and after every reconnect. Returns a function that removes it.
   */
  on<Type extends keyof Payloads & string>(
    type: Type,
    handler: MessageHandler<Type, Payloads[Type]>,
  ): () => void;
  on(
    type: "*",
    handler: (
      payload: Payloads[keyof Payloads],
      message: AnyMessage<Payloads>,
      text: string,
    ) => unknown,
  ): () => void;

  /**
   * Calls the handler for each change of state. Returns a function that removes
   * it.
   */
  onState(handler: StateHandler): () => void;

  /**
   * Connects, and stays connected; does nothing if already started.
   *
   * @throws TypeError: there is no WebSocket, or no page that a relative URL
   *   could be resolved against
   */
  start(): void;

  /**
   * Closes with 1000. No message comes after this call; handlers stay, and
   * `start()` connects again.
   */
  stop(): void;

  /**
   * Resolves when the connection is open, however many attempts that takes.
   * Rejects with a `HubClosedError` once the client is closed for good.
   */
  opened(): Promise<void>;
}

export class HubClosedError extends Error {
  private constructor();
  readonly name: "HubClosedError";
  /** As in `HubStateDetail`. */
  readonly code: number;
  readonly reason: string;
}

/** The default of the option with this name. */
export function shouldReconnect(code: number): boolean;
