// SPDX-License-Identifier: Apache-2.0
// The functions of commands, for tests: as an application would export them.

export function open_account({ id, name }) {
  return [{ path: `/accounts/${id}`, type: 'account_opened', data: { name } }];
}

export function pay({ id, amount }, { get, refuse }) {
  if (get('account', id) === undefined) throw refuse('no_account', `there is no account ${id}`);
  return [{ path: `/accounts/${id}`, type: 'money_paid', data: { amount }, metadata: { by: 'pay' } }];
}

/** Several events, over several streams; what it sees is told in the metadata. */
export function share({ of, among }, { query, now }) {
  const [{ sum }] = query('SELECT sum(visits) AS sum FROM account WHERE id = ?', [of]);
  return among.map((id) => ({
    path: `/accounts/${id}`,
    type: 'visited',
    data: { times: 1 },
    metadata: { sum: String(sum), now: now.toISOString() },
  }));
}

export const nothing = () => [];

export const wrong = () => [{ path: '/accounts/1', type: 'money_paid', data: { amount: 1 }, eventId: 'x' }];

export function fails({ of }, { query, get }) {
  if (of === 'sql') query('SELEC 1');
  if (of === 'get') get('nobody', 1);
  throw new TypeError('for no reason');
}

export const waits = async () => [];

export async function failsLater() {
  throw new TypeError('for no reason');
}

export const notAFunction = 7;

export const long = ({ length }) => [
  { path: '/accounts/1', type: 'visited', data: { times: 1 }, metadata: { text: 'x'.repeat(length) } },
];

/** It adds to its refusal what cannot be posted. */
export function adds(_args, { refuse }) {
  throw Object.assign(refuse('closed', 'on Sundays'), { until: () => 'Monday' });
}

/** Something of which no text can be made. */
export const throwsNothing = () => {
  throw Object.create(null);
};
