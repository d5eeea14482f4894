// SPDX-License-Identifier: Apache-2.0
// Goal: the declarations are right for those who write TypeScript. Method: a program that uses all of
// them as docs/javascript.md says, and what is to be refused, is compiled; nothing of it runs.
import { destroy, open, RivuletError } from 'rivulet';
import type { Append, AppendedEvent, Database, Event, Rows, Selection, Status } from 'rivulet';

export async function use(): Promise<void> {
  await using db: Database = await open({
    name: 'crm',
    schema: 'CREATE …',
    storage: 'auto',
    memory: '64MiB',
    upstream: { url: 'wss://example.com/sync', token: async () => 'rvt_x' },
    select: { streams: ['/accounts/42'], aggregates: ['plan', { name: 'account', where: 'balance > 0' }] },
    workerUrl: new URL('https://example.com/worker.js'),
  });
  const one: Append<AppendedEvent> = db.append('/accounts/42', 'renamed', { name: 'New', at: new Date() });
  const event: AppendedEvent = await one.durable('local');
  const position: number = event.position ?? 0;
  const batch = await db
    .append([{ path: '/a/1', type: 't', data: { n: 1n }, expectedVersion: 'none' }], { metadata: { actor: 'ada' } })
    .durable();
  const paths: (string | null)[] = batch.map(({ path }) => path);
  for await (const { cursor } of db.events('/accounts/*', { after: null })) db.events('/**', { after: cursor });
  for await (const e of db.events('/accounts/*', { from: position, signal: AbortSignal.timeout(1) })) {
    const read: Event = e;
    if (read.metadata === null) break;
  }
  const { wanted, refused }: Selection = await db.select({ streams: ['/accounts/*'] });
  if (wanted.length > 0 && refused?.code) await db.select();
  for await (const r of db.rejections()) {
    const code: string = r.reason.code;
    if (code && r.events[0].eventId) await r.acknowledge();
  }
  for await (const list of db.pending({ signal: AbortSignal.timeout(1) })) {
    const states: ('waiting' | 'suspended' | 'accepted')[] = list.map(({ state }) => state);
    if (states.length === 0 || list.some((it) => it.relayed && it.edgeSequence === one.edgeSequence)) break;
  }
  const rows: Rows<{ n: number }> = await db.query<{ n: number }>('select count(*) n from account', [null, true]);
  const n: number = rows[0].n + rows.columns.length;
  for await (const s of db.status({ hash: true })) {
    const status: Status = s;
    if (status.connection === 'connected' && status.stateHash) break;
  }
  const { text } = await db.schema();
  db.wake();
  try {
    await db.close();
  } catch (error) {
    if (error instanceof RivuletError && error.code === 'version_conflict') console.log(error.expected);
  }
  await destroy({ name: 'crm' });
  console.log(paths, n, text);

  interface Renamed {
    name: string;
    tags?: string[];
    by: { readonly id: bigint | null };
  }
  const renamed: Renamed = { name: 'New', by: { id: 1n } };
  const unknowns: Record<string, unknown> = {};
  db.append('/accounts/42', 'renamed', renamed, { metadata: renamed });
  db.append('/accounts/42', 'renamed', unknowns);
  db.append([{ path: '/accounts/42', type: 'renamed', data: renamed }]);
  for await (const e of db.events<Renamed>()) if (e.data.by.id === 1n) break;
  await db.connected({ signal: AbortSignal.timeout(1) });
  for await (const { rows, added } of db.live<{ id: bigint }>('select id from a', [], { differences: true })) {
    if (rows.columns.length === added.length && added[0].row.id === rows[0].id) break;
  }
  for await (const rows of db.live<{ id: bigint }>('select id from a', [])) if (rows[0].id === 1n) break;

  const people = new Map<bigint, { id: bigint }>();
  for await (const { change, old, row } of db.changes<{ id: bigint }>('account', { rows: true })) {
    if (change === 'reset') people.clear();
    else if (change === 'delete' || change === 'leave') people.delete(old.id);
    else if (change === 'step') break;
    else people.set(row.id, row);
  }
  const selected = { streams: ['/a/*'], aggregates: [{ name: 'a', where: 'id > 0' }] } as const;
  const least: number | undefined = (await db.select(selected)).wanted.length || undefined; // null, when it is undefined
  await db.query('select id from a where id > ?', [least]);
  for await (const rows of db.live`select id from a where id > ${least}`) if (rows.length > 0) break;
  if ((await db.schema()).provisional) db.wake();
  const filledTo: number | undefined = (await db.select()).past?.filledTo;
  if (filledTo) db.wake();

  const row = await db.get<{ id: bigint }>('account', 42, { asOf: new Date() });
  if (row === undefined || row.id === 1n) await db.get('line', [7, 'x']);

  // @ts-expect-error: there is no such level
  void one.durable('forever');
  // @ts-expect-error: there is no such storage
  void open({ name: 'x', storage: 'cloud' });
  // @ts-expect-error: functions are no data
  db.append('/a', 't', { f: () => 1 });
  // @ts-expect-error: nor deeper down
  db.append('/a', 't', { a: [{ f: () => 1 }] });
  // @ts-expect-error: nor is a text
  db.append('/a', 't', 'data');
  // @ts-expect-error: no connection is called that
  for await (const s of db.status()) if (s.connection === 'online') break;
}
