// SPDX-License-Identifier: Apache-2.0
// The real data (262,200 events of a bank's loan process), and what rows it must make: computed here
// from the NDJSON alone, by following the schema's bindings by hand.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const folder =
  process.env.RIVULET_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

export const schemaFile = join(folder, 'loans.schema.sql');
export const packedFile = join(folder, 'loans.ndjson.gz');

/** Options of a test that needs the data: without it the test says so. */
export const withLoans = existsSync(packedFile)
  ? {}
  : { skip: `no loans.ndjson.gz in ${folder}; name its folder with RIVULET_DATA` };

/** The NDJSON, as it is. */
export const loansText = () => gunzipSync(readFileSync(packedFile)).toString();

/** Its events. */
export const eventsOf = (text) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** What the rows must be, by key: the schema's bindings, written out. */
export function fold(events) {
  const applications = new Map();
  const items = new Map();
  for (const { type, data: d } of events) {
    if (type === 'application_submitted') {
      applications.set(d.application_id, {
        amount_requested: d.amount_requested,
        state: 'submitted',
        state_changes: 0,
        offer_state: null,
        last_resource: d.resource ?? null,
      });
    } else if (type === 'work_item_opened') {
      items.set(d.work_item_id, { status: d.status, steps: 1, last_resource: d.resource ?? null });
    } else if (type === 'work_item_progressed') {
      const item = items.get(d.work_item_id);
      item.status = d.status;
      item.steps += d.steps ?? 1;
      item.last_resource = d.resource ?? null;
    } else {
      const application = applications.get(d.application_id);
      application.last_resource = d.resource ?? null;
      if (type === 'offer_state_changed') application.offer_state = d.offer_state;
      if (type === 'application_state_changed') {
        application.state = d.state;
        application.state_changes += d.changes ?? 1;
      }
    }
  }
  return { applications, items };
}
