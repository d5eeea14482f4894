// SPDX-License-Identifier: Apache-2.0
// The functions of the application's commands; they run in the package's worker.

export function pay({ id, amount }, { get, refuse }) {
  if (!get('account', id)) throw refuse('no_account', `there is no account ${id}`);
  return [{ path: `/accounts/${id}`, type: 'money_paid', data: { amount } }];
}
