// SPDX-License-Identifier: Apache-2.0
// The functions of the page's commands; they run in the database's worker, and again there when what
// they saw has changed before their events were sent.

const GATES = ['A', 'B', 'C'].flatMap((pier) => [1, 2, 3, 4, 5, 6, 7, 8].map((n) => pier + n));
const TAKEN = 20; // flights, the last ones, whose gates are taken

/** Gives a flight the first gate that is free. */
export function give_gate({ id }, { get, query, refuse }) {
  const flight = get('flight', id);
  if (!flight) throw refuse('no_flight', `There is no flight ${id}.`);
  if (flight.gate) throw refuse('has_gate', `Flight ${id} has gate ${flight.gate} already.`);
  const rows = query(`SELECT gate FROM flight ORDER BY id DESC LIMIT ${TAKEN}`);
  const taken = rows.map(({ gate }) => gate);
  const gate = GATES.find((one) => !taken.includes(one));
  const { origin: iata } = flight;
  return [{ path: `/airports/${iata}`, type: 'gate_given', data: { iata, id, gate } }];
}
