// SPDX-License-Identifier: Apache-2.0
// How a database stands: the numbers that the module tells (wasi/reactor.h, rv_module_fact), in its
// order, and what `status` makes of them.

/** Of the module's numbers; the last is how many there are. */
export const fact = {
  role: 0,
  watermark: 1,
  watermarkDurable: 2,
  sequence: 3,
  sequenceDurable: 4,
  edgeState: 5,
  edgeReason: 6,
  upstreamPosition: 7,
  bytesReceived: 8,
  bytesSent: 9,
  eventsReceived: 10,
  failed: 11,
  schemaVersion: 12,
  revision: 13,
  outboxDurable: 14,
  outboxSettled: 15,
  pending: 16,
  suspended: 17,
  rejections: 18,
  relayed: 19,
  heldBack: 20,
  divergedEpoch: 21,
  divergedFrom: 22,
  divergedTo: 23,
  divergedDropped: 24,
  divergedRequeued: 25,
  divergedAt: 26,
  leaseBlocks: 27,
  leaseKeys: 28,
  forks: 29,
  forkedAt: 30,
  provisional: 31,
  unknown: 32,
  count: 33,
};

/** Those whose change nobody need be told of by itself. */
const quiet = new Set([fact.bytesReceived, fact.bytesSent, fact.eventsReceived]);

export const OFFLINE = 0;
export const CONNECTED = 2;

const connections = ['offline', 'connecting', 'connected', 'error', 'needs-auth'];

/** @param {ArrayLike<number>} before @param {ArrayLike<number>} now */
export function factsDiffer(before, now) {
  for (let i = 0; i < fact.count; i++) {
    if (before[i] !== now[i] && !quiet.has(i)) return true;
  }
  return false;
}

/** What going back did the last time; null: it never has. @param {number[]} values */
function divergedOf(values) {
  if (values[fact.divergedEpoch] === 0) return null;
  return {
    epoch: values[fact.divergedEpoch],
    from: values[fact.divergedFrom],
    to: values[fact.divergedTo],
    dropped: values[fact.divergedDropped],
    requeued: values[fact.divergedRequeued],
    at: new Date(values[fact.divergedAt] / 1000),
  };
}

/** That the database was found to be a copy; null: it never was. @param {number[]} values */
function forkedOf(values) {
  if (values[fact.forks] === 0) return null;
  return { count: values[fact.forks], at: new Date(values[fact.forkedAt] / 1000) };
}

/**
 * @param {{values: number[], problems: {reason: any, failure: any}, hash?: string}} told
 * @param {{mode: string, persistent: boolean}} storage
 */
export function statusOf({ values, problems, hash }, storage) {
  const alone = values[fact.edgeState] < 0; // a root, or an edge that was opened without upstream
  const upstream = values[fact.upstreamPosition];
  const synced = values[fact.watermarkDurable];
  return {
    connection: connections[values[fact.edgeState]] ?? 'none',
    reason: problems.reason,
    role: ['root', 'edge'][values[fact.role]] ?? null, // what is damaged may not say
    position: values[fact.watermark],
    syncedTo: synced,
    upstreamPosition: alone ? null : upstream,
    lag: alone ? 0 : Math.max(0, upstream - synced),
    pending: values[fact.pending],
    suspended: values[fact.suspended],
    rejected: values[fact.rejections],
    heldBack: values[fact.heldBack],
    unknown: values[fact.unknown],
    leases: { blocks: values[fact.leaseBlocks], keysLeft: values[fact.leaseKeys] },
    diverged: divergedOf(values),
    forked: forkedOf(values),
    storage,
    readOnly: problems.failure,
    schemaVersion: values[fact.schemaVersion],
    provisional: values[fact.provisional] === 1,
    bytesReceived: values[fact.bytesReceived],
    bytesSent: values[fact.bytesSent],
    eventsReceived: values[fact.eventsReceived],
    ...(hash === undefined ? {} : { stateHash: hash }),
  };
}
