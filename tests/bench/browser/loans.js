// SPDX-License-Identifier: Apache-2.0
// The loan log in a page or a worker: fetched, unpacked and parsed before anything is timed.

const kinds = [
  'application_submitted',
  'application_state_changed',
  'offer_state_changed',
  'work_item_opened',
  'work_item_progressed',
];

/** The text of the NDJSON; the folder is beside this file. */
export async function loansText() {
  const response = await fetch(new URL('data/loans.ndjson.gz', import.meta.url));
  if (!response.ok) throw new Error(`loans.ndjson.gz: HTTP status ${response.status}`);
  return new Response(response.body.pipeThrough(new DecompressionStream('gzip'))).text();
}

/** One line as Rivulet's append takes it. */
export function eventOf(line) {
  const { stream: path, type, data } = JSON.parse(line);
  return { path, type, data };
}

/** One line as the hand-written tables of sqlite.js take it: the event, then the row's values. */
export function rowOf(line) {
  const { stream, type, data } = JSON.parse(line);
  const kind = kinds.indexOf(type);
  return {
    kind,
    event: [stream, kind, JSON.stringify(data)],
    row: [
      data.application_id,
      data.amount_requested ?? null,
      data.resource ?? null,
      data.submitted_at ?? data.occurred_at,
      data.state ?? data.offer_state ?? data.status ?? null,
      data.work_item_id ?? null,
      data.name ?? null,
    ],
  };
}

/** All lines, each through `make`. */
export async function loans(make) {
  const lines = (await loansText()).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map(make);
}
