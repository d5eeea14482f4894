// SPDX-License-Identifier: Apache-2.0
// The functions of commands once more, of a version that refuses what it did before.
export function transfer(_args, { refuse }) {
  throw refuse('closed', 'no transfers on Sundays');
}
