// SPDX-License-Identifier: Apache-2.0
// A log made by arithmetic, the same at every call: all the types, computed updates, counters, rows
// that come and go, values from empty to longer than a page. For what all builds must agree on.

export const madeSchema = `
CREATE TYPE mode AS ENUM ('off', 'idle', 'busy');
CREATE AGGREGATE device (
    id        SERIAL PRIMARY KEY,
    serial_no uuid NOT NULL,
    name      varchar(30) NOT NULL CHECK (length(name) > 0),
    code      char(6) NOT NULL DEFAULT 'none',
    mode      mode NOT NULL DEFAULT 'off',
    level     smallint NOT NULL DEFAULT 0,
    total     bigint NOT NULL DEFAULT 0,
    price     numeric(14,4) NOT NULL DEFAULT 0 CHECK (price >= 0),
    active    boolean,
    made_on   date NOT NULL,
    opens_at  time,
    seen_at   timestamptz NOT NULL DEFAULT now(),
    local_at  timestamp,
    payload   bytea,
    CHECK (made_on < '2100-01-01')
);
CREATE SHARED AGGREGATE label (
    name   text PRIMARY KEY,
    used   integer NOT NULL DEFAULT 0,
    last   text
);
CREATE EVENT_TYPE device_added (
    id creates device(id), serial_no updates device(serial_no), name updates device(name),
    made_on updates device(made_on), opens_at updates device(opens_at)
);
CREATE EVENT_TYPE device_read (
    id        references device(id),
    seen_at   updates device(seen_at),
    local_at  updates device(local_at),
    gain      bigint NOT NULL increments device(total),
    factor    numeric(8,4) NOT NULL CHECK (factor > 0)
              updates device(price) = (round(device.price * 0.75 + factor * 1.5, 4)),
    level     smallint NOT NULL
              updates device(level) = (case when device.level + level > 30000 then 0
                                            else device.level + level end),
    mode      updates device(mode),
    code      updates device(code),
    payload   updates device(payload),
    active    boolean updates device(active) = (active and device.total % 2 = 0)
);
CREATE EVENT_TYPE device_labelled (
    id    references device(id),
    label references label(name),
    uses  integer NOT NULL DEFAULT 1 increments label(used),
    note  updates label(last)
);
CREATE EVENT_TYPE label_made (id references device(id), label creates label(name));
CREATE EVENT_TYPE device_removed (id deletes device(id));
CREATE STREAM devices (
    path "/devices/{id}",
    event_types (device_added, device_read, device_labelled, label_made, device_removed)
);
`;

const DEVICES = 400;
const LABELS = 20;
const EVENTS = 20000;

/** xorshift32: numbers below a bound. */
function random() {
  let state = 2463534242;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

function textOf(below, len) {
  const letters = ['a', 'B', '7', ' ', 'é', 'ß', '水', '😀', '"', '\\', '\n'];
  return Array.from({ length: len }, () => letters[below(letters.length)]).join('');
}

function timeOf(below) {
  const two = (n) => String(n).padStart(2, '0');
  const day = `${1970 + below(100)}-${two(1 + below(12))}-${two(1 + below(28))}`;
  const micro = below(2) === 0 ? '' : `.${String(below(1000000)).padStart(6, '0')}`;
  return { day, time: `${two(below(24))}:${two(below(60))}:${two(below(60))}${micro}` };
}

function added(below, id) {
  const hex = Array.from({ length: 32 }, () => below(16).toString(16)).join('');
  const data = { id, serial_no: hex, name: `d${textOf(below, below(12))}`, made_on: timeOf(below).day };
  if (below(3) > 0) data.opens_at = timeOf(below).time;
  return { type: 'device_added', data };
}

function read(below, id) {
  const [seen, local] = [timeOf(below), timeOf(below)];
  const zone = ['Z', '+02:00', '-07:30'][below(3)];
  const data = {
    id, seen_at: `${seen.day}T${seen.time}${zone}`, gain: below(1000000) - 500000,
    factor: `${below(900)}.${String(1 + below(9999)).padStart(4, '0')}`, level: below(500),
    mode: ['off', 'idle', 'busy'][below(3)], code: textOf(below, below(7)).replace(/[^ -~]/gu, '.'),
    active: [true, false, null][below(3)],
  };
  if (below(2) === 0) data.local_at = `${local.day} ${local.time}`;
  if (below(2) === 0) data.payload = `\\x${'0f'.repeat(below(below(50) === 0 ? 9000 : 40))}`;
  return { type: 'device_read', data };
}

function labelled(below, id, labels) {
  const label = `label ${below(LABELS)}`;
  if (!labels.has(label)) {
    labels.add(label);
    return { type: 'label_made', data: { id, label } };
  }
  const note = textOf(below, below(below(40) === 0 ? 3000 : 60));
  return { type: 'device_labelled', data: { id, label, note } };
}

/** NDJSON. */
export function madeEvents() {
  const below = random();
  const alive = new Set();
  const labels = new Set();
  const lines = [];
  while (lines.length < EVENTS) {
    const id = 1 + below(DEVICES);
    const kind = below(100);
    let event;
    if (!alive.has(id)) {
      event = added(below, id);
      alive.add(id);
    } else if (kind === 0) {
      event = { type: 'device_removed', data: { id } };
      alive.delete(id);
    } else {
      event = kind < 80 ? read(below, id) : labelled(below, id, labels);
    }
    lines.push(JSON.stringify({ stream: `/devices/${id}`, ...event }));
  }
  return `${lines.join('\n')}\n`;
}
