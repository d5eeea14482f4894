// SPDX-License-Identifier: Apache-2.0
// The functions of commands, for the tests of edges.

const taken = (id, amount) => ({ path: `/accounts/${id}`, type: 'money_taken', data: { amount } });
const paid = (id, amount) => ({ path: `/accounts/${id}`, type: 'money_paid', data: { amount } });

/** All or nothing. */
export function transfer({ from, to, amount }, { get, refuse }) {
  const { balance } = get('account', from);
  if (balance < amount) throw refuse('too_little', `${balance} is less than ${amount}`);
  return [taken(from, amount), paid(to, amount)];
}

/** As much as there is. */
export function share({ from, to, amount }, { get }) {
  const some = Math.min(amount, get('account', from).balance);
  return some > 0 ? [taken(from, some), paid(to, some)] : [];
}

export const ticket = ({ text }) => [{ path: 'ticket_events', type: 'ticket_opened', data: { text } }];

/** On less than 10 in account 1 it comes to what no node takes, or fails at length. */
export function odd({ kind }, { get, refuse }) {
  const event = taken(2, 1);
  if (get('account', 1).balance >= 10) return [event];
  if (kind === 'refused') throw refuse('odd', 'x'.repeat(5e6));
  if (kind === 'failed') throw new Error('x'.repeat(5e6));
  return {
    many: Array.from({ length: 10001 }, () => event),
    large: [{ ...event, metadata: { text: 'x'.repeat(5e6) } }],
    version: [{ ...event, expectedVersion: 'odd' }],
    data: [{ ...event, data: null }],
    path: [{ ...event, path: 7 }],
  }[kind];
}
