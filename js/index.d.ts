// SPDX-License-Identifier: Apache-2.0
/// <reference lib="esnext.disposable" />
// The public interface of the package `rivulet`. docs/javascript.md tells more.

/** How durable an appended event is to be; see {@link Append.durable}. */
export type Level = 'memory' | 'local' | 'relayed' | 'upstream';

/**
 * Where a database is kept. `auto` is OPFS, or IndexedDB where there is no OPFS; in Node it is
 * `files`. Memory is never chosen by itself.
 */
export type StorageMode = 'auto' | 'opfs' | 'indexeddb' | 'memory' | 'files';

/** What a stream must be at for an append to be accepted. */
export type ExpectedVersion = 'any' | 'none' | 'exists' | number | bigint;

/**
 * A value of an event's data or a query's parameters. `bigint` goes out with all its digits, `Date`
 * as ISO 8601, `Uint8Array` as `\x…`; members that are `undefined` are left out.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly Value[]
  | { readonly [name: string]: Value | undefined };

/**
 * Data of an event or its metadata as an application's own type: an object, or an interface, whose
 * members are values.
 */
export type Fields<T> = unknown extends T
  ? T
  : T extends Exclude<Value, object> | undefined | Date | Uint8Array
    ? T
    : T extends ((...args: never[]) => unknown) | symbol
      ? never
      : { readonly [K in keyof T]: Fields<T[K]> };

export interface OpenOptions {
  /** The database's name: 1 to 64 of letters, digits, `.`, `-` and `_`; the first is a letter or a
   * digit. In Node only for memory. */
  name?: string;
  /** Node: the directory of the database's files, which is made when it is missing. */
  directory?: string;
  /**
   * The whole schema. A root applies what it does not have yet. An edge has its root's schema, which
   * may have more: `schema_conflict` where it has less, or something else. Before an edge has met its
   * upstream, it works with this one: what is written is pushed once the root's schema has its event
   * types, as they are here (`provisional` and `unknown` in the status).
   */
  schema?: string;
  /** Where it is kept; `auto` when it is not said. */
  storage?: StorageMode;
  /** All the memory that the database may take, in bytes or as `64MiB` (the default). */
  memory?: string | number;
  /** False: the smaller module, without `query`. */
  sql?: boolean;
  /** The node to sync with. Without it the database is a root, or an edge that stays offline. */
  upstream?: {
    /** Of its `/sync`: `wss://example.com/sync`. Without a name or a password in it. */
    url: string | URL;
    /**
     * For a node that has tokens: one, or a function that gives one. It is asked before the first
     * connection, when the last one will soon have expired or was refused, and by `wake`; without
     * one that is good the connection is `needs-auth`.
     */
    token?: string | (() => string | Promise<string>);
  };
  /** What an edge holds. A new edge needs it; later it may be left out, or be another. */
  select?: Select;
  /**
   * The module with the functions of commands, which runs in the worker:
   * `new URL('./commands.js', import.meta.url)`. Each function that it exports is a
   * {@link CommandFunction}.
   */
  commands?: string | URL;
  /** The worker's script, where the one beside the package cannot be used. */
  workerUrl?: string | URL;
  /** The module, where the one beside the package cannot be used. */
  moduleUrl?: string | URL;
  /** Node without a WebSocket of its own: the package to import one from, such as `ws`. */
  webSocket?: string;
}

/** What an edge holds of its upstream. */
export interface Select {
  /**
   * Path patterns, `*` is one segment, `**` the rest; each with how much history, as in
   * `/orders/* history none`.
   */
  streams?: readonly string[];
  /** Rows of aggregates, by name, those for which the expression `where` is true. */
  aggregates?: readonly (string | { readonly name: string; readonly where?: string })[];
}

/** What an edge holds, as entries (docs/selections.md). */
export interface Selection {
  selection: string[];
  /** What it is to hold: another one until all of that has come. */
  wanted: string[];
  whole: boolean;
  position: number;
  /** How far events of the past are here, where some are on their way. */
  past: { filledTo: number; until: number; refused: { code: string; detail: string } | null } | null;
  /** How what it does not hold any more leaves its files; null when nothing has to, or had to since it was opened. */
  purge: {
    due: boolean;
    segment: number;
    segments: number;
    rewritten: number;
    freed: number;
    failure: { code: string; detail: string } | null;
  } | null;
  /** Why the upstream did not take the last one that was wanted. */
  refused: { code: string; detail: string } | null;
}

export interface DestroyOptions {
  name?: string;
  directory?: string;
  storage?: StorageMode;
  workerUrl?: string | URL;
}

/** An event as it was accepted, or, at an edge, as it waits for the root. */
export interface AppendedEvent<Data = Record<string, any>> {
  /** Its place in the root's log; null where it is not known yet, or not any more. */
  position: number | null;
  /**
   * Its place in its stream. Of one that waits for the root as it looks here, which the root may see
   * otherwise; null where nothing is held of it.
   */
  version: number | null;
  path: string;
  type: string;
  /** A UUID. */
  eventId: string;
  /**
   * In UTC with microseconds: `2026-01-01T00:00:00.123456+00:00`; null of one that waits, and where
   * nothing is held of it.
   */
  recordedAt: string | null;
  /** As completed: with defaults, keys, and values as the table in docs/javascript.md says. */
  data: Data;
}

/** An event as it is read. */
export interface Event<Data = Record<string, any>> extends AppendedEvent<Data> {
  position: number;
  version: number;
  recordedAt: string;
  schemaVersion: number;
  metadata: Record<string, any> | null;
  /** Where it is in this node's log: `events(pattern, { after: cursor })` goes on behind it. */
  cursor: string;
  /** This version does not understand `data`, which is a string then: `\\x` and hexadecimal digits. */
  opaque?: true;
}

/** Of a batch whose answer was too large to be shown: where its events are, and nothing else. */
export interface BareEvent {
  position: number | null;
  version: null;
  path: null;
  type: null;
  eventId: null;
  recordedAt: null;
  data: null;
}

export interface AppendOptions {
  /** Of the stream; `any` when it is not said. */
  expectedVersion?: ExpectedVersion;
  /** A UUID. The same id with the same content again gives the first answer. */
  eventId?: string;
  /** Kept with the event: who, and why. */
  metadata?: object;
}

/** An event of a batch. */
export interface NewEvent extends AppendOptions {
  path: string;
  type: string;
  data?: object;
}

/** An event that a command makes. */
export interface CommandEvent {
  path: string;
  type: string;
  data?: object;
  expectedVersion?: ExpectedVersion;
  metadata?: object;
}

/** What a command's function can see and do: everything at once, without waiting. */
export interface CommandContext {
  /** The row of an aggregate with this key (several columns: an array), if there is one. */
  get<Row = Record<string, any>>(aggregate: string, key: Value | readonly Value[]): Row | undefined;
  /** One SELECT statement; `?` are the parameters. */
  query<Row = Record<string, any>>(sql: string, params?: readonly (Value | undefined)[]): Rows<Row>;
  /** When the command was given: the same each time that it runs. */
  now: Date;
  /** An error to be thrown: the command is refused, with `command_refused` and this as `refusal`. */
  refuse(code: string, detail?: string): RivuletError;
}

/**
 * The function of a command: reads the state and makes events, or refuses. It must make the same of
 * the same state, as it runs again whenever that has changed, until its events are sent.
 */
export type CommandFunction<Args = any> = (
  args: Args,
  context: CommandContext,
) => readonly CommandEvent[];

/** An append under way. One that fails and was not asked about is an unhandled rejection. */
export interface Append<Result> {
  /**
   * Resolves with the event (of a batch: the events) when it is
   * - `memory`: accepted, or at an edge written to its outbox, and folded here,
   * - `local`: and flushed here (the default),
   * - `relayed`: and kept by a gateway; on a root the same as `local`,
   * - `upstream`: accepted by the root and flushed there; on a root the same as `local`. At an edge
   *   it waits, however long it is offline, and rejects with the root's error. The event has the
   *   position, version and time that the root gave it, or null where they are not known here.
   */
  durable(level?: Level): Promise<Result>;
  /** The position of the last event; 0 until it is known. */
  readonly position: number;
  /** At an edge: its place in the outbox, by which `pending` and `rejections` name it; else 0. */
  readonly edgeSequence: number;
}

/** An event that an edge has written. */
export interface WrittenEvent<Data = Record<string, any>> {
  path: string;
  type: string;
  eventId: string;
  data: Data;
  metadata: Record<string, any> | null;
}

interface Batch {
  /** Its place in the outbox. */
  edgeSequence: number;
  writtenAt: string;
  /** An event's stream is not selected: it is not folded here. */
  blind: boolean;
  /** Something was left to the root to check. */
  unchecked: boolean;
  events: WrittenEvent[];
  /** That made the events. */
  command?: { id: string; name: string; args: any; attempt: number };
}

/** What the root has not decided, or has accepted and not sent yet. */
export interface Pending extends Batch {
  /**
   * - `waiting`: for the root,
   * - `suspended`: the same, but not folded: it breaks a constraint after what came since,
   * - `accepted`: at `position`, and not here yet.
   */
  state: 'waiting' | 'suspended' | 'accepted';
  durable: boolean;
  /** A gateway is known to keep it. */
  relayed: boolean;
  position: number | null;
  /**
   * Why it is suspended, or that it waits for its command's function (`command_waiting`), for what
   * the node lacked for what that came to (`outbox_full`, `state_full`, `no_keys`, …), or for the
   * token of who wrote it (`other_principal`), or that a gateway may not pass it on (`forbidden`).
   */
  reason: Problem | null;
}

/** What the root has refused. It is kept, through reloads, until it is acknowledged. */
export interface Rejection extends Batch {
  reason: RivuletError;
  /** Takes note of it, which forgets it. */
  acknowledge(): Promise<void>;
}

export interface Column {
  name: string;
  /** As the schema has it, such as `numeric(12,2)`; `any` for what is no column of an aggregate. */
  type: string;
}

export type Rows<Row = Record<string, any>> = Row[] & {
  columns: Column[];
  /** Aggregates that the query reads and whose rows lack events that this version does not understand. */
  stale?: string[];
  /** The position that it is of, when it was asked for as of one, or a time. */
  asOf?: number;
};

/** A row and its place in a result. */
export interface PlacedRow<Row = Record<string, any>> {
  index: number;
  row: Row;
}

/**
 * A live query's result, and what differs from the last one: `removed`, by their places there, and
 * `added`, by their places in `rows`. Rows that stay are the same objects.
 */
export interface Differences<Row = Record<string, any>> {
  rows: Rows<Row>;
  added: PlacedRow<Row>[];
  removed: PlacedRow<Row>[];
}

/** A problem as plain data: an error's members. */
export interface Problem {
  code: string;
  detail: string;
  [fact: string]: unknown;
}

export interface Status {
  /** `none` without an upstream; `error` when trying again does not help; `needs-auth`: other credentials are needed. */
  connection: 'none' | 'offline' | 'connecting' | 'connected' | 'error' | 'needs-auth';
  /** Why there is no connection, or nothing more is taken or pushed over one; null when all is well. */
  reason: Problem | null;
  /** Null where damaged files do not say it. */
  role: 'root' | 'edge' | null;
  /** Up to where events are held here. */
  position: number;
  /** And durable. */
  syncedTo: number;
  /** The last position of the root that is known here; null without an upstream. */
  upstreamPosition: number | null;
  /** How many positions this edge is behind. */
  lag: number;
  /** Batches that the root has not decided yet, or that are accepted and not here yet, */
  pending: number;
  /** of which so many are suspended; */
  suspended: number;
  /** and those that it refused and nobody has acknowledged. */
  rejected: number;
  /** Batches that stand aside until the root's schema has what they were written under: after the root was restored, */
  heldBack: number;
  /** or, so many of them, because they were written before this edge met its upstream, and its schema lacks an event type of theirs or has another of that name. */
  unknown: number;
  /** Blocks of serial keys that this edge has leased and not used up, and how many keys are left in them: rows that it can create without its upstream. */
  leases: { blocks: number; keysLeft: number };
  /** What going back did when the root had been restored from a backup, the last time. */
  diverged: Diverged | null;
  /** How often the storage was found to be a copy of an edge that has gone on (one that was restored from a backup, or duplicated), and when the last time. */
  forked: { count: number; at: Date } | null;
  storage: {
    mode: Exclude<StorageMode, 'auto'>;
    /** Whether the browser has promised not to throw it away. */
    persistent: boolean;
  };
  /** Why nothing can be written; null when it can. */
  readOnly: Problem | null;
  schemaVersion: number;
  /** The schema is the one that was given to `open`, as this edge has not met its upstream yet. Position and version are its own until then. */
  provisional: boolean;
  bytesReceived: number;
  bytesSent: number;
  eventsReceived: number;
  /** With `hash: true`: equal on all nodes that hold the same. */
  stateHash?: string;
}

/** An edge followed a restored root into another epoch. */
export interface Diverged {
  epoch: number;
  /** The position where it was, */
  from: number;
  /** and to which it went back: events behind that were dropped, */
  to: number;
  dropped: number;
  /** and of its own batches so many wait again. */
  requeued: number;
  at: Date;
}

/** A feed. `return()`, which leaving a `for await` calls, and the signal end it and free it. */
export interface Feed<T> extends AsyncIterableIterator<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): Feed<T>;
}

/** What is told of an aggregate's rows; `pending` batches were not decided then. */
export type Change<Row = Record<string, any>> = { position: number; pending?: number } & (
  | { change: 'reset'; old?: undefined; row?: undefined }
  | { change: 'step'; old?: undefined; row?: undefined }
  | { change: 'row' | 'insert'; old?: undefined; row: Row }
  | { change: 'update' | 'enter' | 'leave'; old: Row; row: Row }
  | { change: 'delete'; old: Row; row?: undefined }
);

export interface Database {
  /** Appends an event. The path may be a stream's name where its key is still to be assigned. */
  append<Data extends object>(
    path: string,
    type: string,
    data?: Data & Fields<Data>,
    options?: AppendOptions,
  ): Append<AppendedEvent>;
  /** Appends several, of any streams, as one: all are accepted, or none. */
  append(
    events: readonly NewEvent[],
    options?: AppendOptions,
  ): Append<AppendedEvent[] | BareEvent[]>;
  /**
   * Runs a command: its function, in the worker, and what it makes as one batch. At an edge it waits
   * in the outbox as a batch does, and is run again on what came since until it has been sent, and
   * after refusals that this can mend; `durable` resolves with the events as they came to be.
   */
  run(name: string, args?: unknown): Append<AppendedEvent[]>;
  /**
   * Events whose path matches, durable ones, in the order in which they came here: history from a
   * position on, then what comes. It waits for a slow consumer. At most 128 feeds are open at once.
   */
  events<Data = Record<string, any>>(
    pattern?: string,
    options?: {
      /** A position, a time (a Date, or a text), or 'now', which is what comes; 0: the start. */
      from?: number | Date | string;
      /**
       * In place of `from`: the `cursor` of the last event that was consumed; null: the start. It
       * misses nothing, where `position + 1` misses what an edge is sent that selects more later.
       * `parameter_invalid` where it is another node's, or of a log that is gone.
       */
      after?: string | null;
      /** Ends there, and does not wait for more: a position, a time, or 'now', the last that is durable. */
      until?: number | Date | string;
      /** Events of these types only, at least one; without it, of all. */
      types?: readonly string[];
      /** A condition over the fields of these types, as a filter of a selection. */
      where?: string;
      signal?: AbortSignal;
    },
  ): Feed<Event<Data>>;
  /**
   * The row of an aggregate with this key (several columns: an array), if there is one, pending
   * events included. With `asOf`, a position or a time, as it was confirmed then.
   */
  get<Row = Record<string, any>>(
    aggregate: string,
    key: Value | readonly Value[],
    options?: { signal?: AbortSignal; asOf?: number | Date | string },
  ): Promise<Row | undefined>;
  /**
   * One SELECT statement; `?` are the parameters. With `asOf`, a position or a time, over the rows
   * as they were confirmed then. The signal takes it back, wherever it is; of more than `rows` rows
   * it is refused (`sql_limit`).
   */
  query<Row = Record<string, any>>(
    sql: string,
    params?: readonly (Value | undefined)[],
    options?: { signal?: AbortSignal; rows?: number; asOf?: number | Date | string },
  ): Promise<Rows<Row>>;
  /**
   * The result of a query now, and then each time that it is another one, pending events included.
   * Of a slow consumer's results in between some are left out, never the last one. As a tag,
   * ``db.live`select * from account where balance < ${10}` ``, what is put in are parameters; they
   * and the text have together at most 2,000 bytes. At most 128 feeds are open at once.
   */
  live<Row = Record<string, any>>(
    sql: TemplateStringsArray,
    ...params: readonly (Value | undefined)[]
  ): Feed<Rows<Row>>;
  live<Row = Record<string, any>>(
    sql: string,
    params?: readonly (Value | undefined)[],
    options?: { signal?: AbortSignal; rows?: number; differences?: false },
  ): Feed<Rows<Row>>;
  /** The same, each with what differs from the last one, which is all that comes of it. */
  live<Row = Record<string, any>>(
    sql: string,
    params: readonly (Value | undefined)[],
    options: { signal?: AbortSignal; rows?: number; differences: true },
  ): Feed<Differences<Row>>;
  /**
   * What becomes of an aggregate's rows, pending events included: each insert, update and delete, and
   * what enters or leaves the condition; a `step` ends what belongs together, and gives the position.
   * With `rows` it begins with a `reset` and the rows. A slow consumer is told together what it has
   * missed, or, when that is too much to be kept, a `reset` and the rows.
   */
  changes<Row = Record<string, any>>(
    aggregate: string,
    options?: {
      /** A condition over the columns, as a filter of a selection. */
      where?: string;
      /** The rows that there are come first. */
      rows?: boolean;
      signal?: AbortSignal;
    },
  ): Feed<Change<Row>>;
  /**
   * How the database stands: at once, then after changes, at most 20 times a second; what came in
   * between is left out.
   */
  status(options?: { hash?: boolean; signal?: AbortSignal }): Feed<Status>;
  /** The first thousand batches that wait for the root: at once, then when it is another list. */
  pending(options?: { signal?: AbortSignal }): Feed<Pending[]>;
  /**
   * Batches that the root has refused and nobody has acknowledged: those that there are, then those
   * that come.
   */
  rejections(options?: { signal?: AbortSignal }): Feed<Rejection>;
  /**
   * The schema in its canonical form; of an edge that has none yet the version is 0. `provisional`:
   * it is what `open` was given, as this edge has not met its upstream yet.
   */
  schema(): Promise<{ version: number; hash: string; text: string; provisional?: true }>;
  /**
   * What an edge holds; with an argument, it is to hold that instead. Resolves when that is noted
   * here: what it holds is shown until all of the new selection has come, and is then replaced in one
   * step.
   */
  select(select?: Select): Promise<Selection>;
  /**
   * Resolves when the root can decide: at an edge when it is connected, at a root at once. An edge
   * that has met its upstream once takes appends without.
   * Rejects with the reason when trying again does not help, with `not_connected` without an
   * upstream, with the signal's reason when it is aborted.
   */
  connected(options?: { signal?: AbortSignal }): Promise<void>;
  /** Tries to reach the upstream now. In a browser that happens by itself when it comes online. */
  wake(): void;
  /**
   * Flushes, seals and gives the lock free; a connected edge first waits, at most five seconds, for
   * what is under way. Feeds end; what is asked afterwards is `closing`.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens a database, or makes it. Every failure is a {@link RivuletError}. */
export function open(options: OpenOptions): Promise<Database>;

/** Removes a database with all its data. `data_in_use` while it is open somewhere. */
export function destroy(options: DestroyOptions): Promise<void>;

/** Every error: a stable `code`, a `detail` for people, and facts as members of their own. */
export class RivuletError extends Error {
  constructor(code: string, detail?: string, facts?: Record<string, unknown>);
  readonly code: string;
  readonly detail: string;
  readonly [fact: string]: any;
}
